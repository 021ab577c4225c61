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

alter view dialogpost.message_state rename to decided_state;
create view dialogpost.message_state as
select * from dialogpost.decided_state
union all select message, at, clinic, function, 'waiting', code, state from dialogpost.put_off;

-- What stands there for milliseconds is not worth compressing, nor a second table.
alter table dialogpost.outbox set (toast_tuple_target = 8160);
