-- What was taken off a queue and cannot be decided yet: a revocation list or a key of ours is missing. One row for each claim: while it is
-- not taken the message waits. Copies of one message wait in one row, under the id of the first.
create table dialogpost.waiting (
    key text primary key,
    message uuid not null,
    at timestamptz not null,
    clinic bigint,
    from_her_id bigint,
    to_her_id bigint,
    queue text not null,
    function text,
    transport_id text,
    bytes integer not null,
    code text not null
);
create index waiting_message on dialogpost.waiting (message);
-- A sender's id may be longer than an ordered index takes.
create index waiting_transport_id on dialogpost.waiting using hash (transport_id);

-- Those whose claim is not taken. One that did not come back, because a broker gave it up or did not take it, has its dead letter.
create view dialogpost.put_off as
select w.*, case when exists (select from dialogpost.dead_letter d where d.message = w.message) then 'dead' else 'in_flight' end as state
from dialogpost.waiting w
where not exists (select from dialogpost.processed where worker = 'helsenorge-inbound' and message_id = w.key);

create or replace view dialogpost.message_state as
select m.id, m.at, m.clinic, m.function, m.outcome, m.code,
    case
        when m.outcome = 'dead' or d.message is not null then 'dead'
        when not answered.yes then 'in_flight'
        when m.outcome = 'accepted' and not delivered.yes then 'in_flight'
        when m.outcome = 'accepted' and e.kind = 'EKONSULTASJON' and j.entry is null then 'in_flight'
        when m.outcome = 'accepted' and j.entry is not null then 'journaled_and_delivered'
        when m.outcome = 'accepted' then 'delivered'
        when m.outcome in ('rejected', 'refused') then 'rejected'
        else m.outcome
    end as state
from dialogpost.message m
left join lateral (select message from dialogpost.dead_letter where message = m.id limit 1) d on true
left join lateral (
    select g.kind from dialogpost.dialog_entry n join dialogpost.dialog g on g.id = n.dialog where n.id = m.id and m.outcome = 'accepted'
) e on true
left join dialogpost.journal_entry j on j.entry = m.id
cross join lateral (select exists (select from dialogpost.inbox_item where entry = m.id) as yes) delivered
cross join lateral (
    select m.outcome in ('filed', 'expired', 'dead')
        or (exists (select from dialogpost.processed where worker = 'helsenorge-outbound' and message_id = m.id::text)
            and not exists (select from dialogpost.outbox where cause = m.id and wire = 'nhn')) as yes
) answered
where m.direction = 'in'
union all select message, at, clinic, function, 'waiting', code, state from dialogpost.put_off;

-- What stands there for milliseconds is not worth compressing, nor a second table.
alter table dialogpost.outbox set (toast_tuple_target = 8160);
