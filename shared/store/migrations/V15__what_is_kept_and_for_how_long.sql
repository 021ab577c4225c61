-- What is kept for how long. A message that is at its end is closed: its body goes, its row stays and says how it ended, so that what proved it
-- (its claims) may go too.

alter table dialogpost.message alter column raw drop not null;
-- How it ended; null: what became of it follows from the rows that exist.
alter table dialogpost.message add column end_state text;
-- Was old enough to be closed, and not at its end.
alter table dialogpost.message add column left_open boolean;
create index message_left_open on dialogpost.message (id) where left_open;

-- One row for each thing that is not kept for ever: how far it has come, and when it was last through.
create table dialogpost.pruning (
    what text primary key,
    -- For how long it is kept; null: for ever.
    days integer,
    -- What comes next; null: it begins at the beginning.
    position text,
    started_at timestamptz,
    ended_at timestamptz,
    -- Since `started_at`.
    pruned bigint not null default 0
);

-- Of an edit what it did stays, and not the body. Everything else is append-only.
drop trigger append_only on dialogpost.dead_letter_edit;
create trigger append_only before delete on dialogpost.dead_letter_edit
    for each row execute function dialogpost.refuse_change();
create trigger append_only_but_bodies before update on dialogpost.dead_letter_edit
    for each row when (new.body is not null or new.properties is not null
        or (new.letter, new.number, new.at, new.actor, new.reason, new.fields)
            is distinct from (old.letter, old.number, old.at, old.actor, old.reason, old.fields))
    execute function dialogpost.refuse_change();

create or replace view dialogpost.decided_state as
select m.id, m.at, m.clinic, m.function, m.outcome, m.code, m.end_state as state
from dialogpost.message m where m.direction = 'in' and m.end_state is not null
union all
select m.id, m.at, m.clinic, m.function, m.outcome, m.code,
    case
        when d.message is not null then 'dead'
        -- Its replay found that the message had come again meanwhile, and was handled then.
        when m.outcome = 'dead' and exists (select from dialogpost.dead_letter where message = m.id and settled_at is not null) then 'repeated'
        when m.outcome = 'dead' then 'in_flight'
        when not answered.yes then 'in_flight'
        when m.outcome = 'accepted' and not delivered.yes then 'in_flight'
        when m.outcome = 'accepted' and e.kind = 'EKONSULTASJON' and j.entry is null then 'in_flight'
        when m.outcome = 'accepted' and j.entry is not null then 'journaled_and_delivered'
        when m.outcome = 'accepted' then 'delivered'
        when m.outcome = 'booking' and not exists (select from dialogpost.booking_decision where request = m.id) then 'in_flight'
        when m.outcome = 'booking' then 'delivered'
        when m.outcome in ('rejected', 'refused') then 'rejected'
        else m.outcome
    end as state
from dialogpost.message m
left join lateral (select message from dialogpost.dead_letter where message = m.id and replayed_at is null limit 1) d on true
left join lateral (
    select g.kind from dialogpost.dialog_entry n join dialogpost.dialog g on g.id = n.dialog where n.id = m.id and m.outcome = 'accepted'
) e on true
left join dialogpost.journal_entry j on j.entry = m.id
cross join lateral (select exists (select from dialogpost.inbox_item where entry = m.id) as yes) delivered
cross join lateral (
    select m.outcome in ('filed', 'expired')
        or (exists (select from dialogpost.processed where worker = 'helsenorge-outbound' and message_id = m.id::text)
            and not exists (select from dialogpost.outbox where cause = m.id and wire = 'nhn')) as yes
) answered
where m.direction = 'in' and m.end_state is null;

-- Receipts stay: one that comes when what it is about was closed long ago counts as ever.
create view dialogpost.receipted as
select about, bool_or(kind = 'error') as error, bool_or(kind = 'apprec' and coalesce(status, '') not in ('1', '3')) as rejected,
    bool_or(kind = 'apprec' and status in ('1', '3')) as accepted,
    (select array_agg(distinct c) from dialogpost.receipt x, unnest(x.codes) c where x.about = r.about) as codes
from dialogpost.receipt r where about is not null group by about;

create or replace view dialogpost.sent_state as
select m.id, m.at, m.clinic, m.to_her_id, m.function, m.receipt_due_at, r.codes,
    case
        when m.end_state = 'dead' then 'dead'
        when r.error then 'failed'
        when r.rejected then 'rejected'
        when r.accepted then 'receipted'
        else m.end_state
    end as state
from dialogpost.message m
left join lateral (select * from dialogpost.receipted where about = m.id) r on true
where m.direction = 'out' and m.end_state is not null
union all
select m.id, m.at, m.clinic, m.to_her_id, m.function, m.receipt_due_at, r.codes,
    case
        when d.id is not null then 'dead'
        when r.error then 'failed'
        when r.rejected then 'rejected'
        when r.accepted then 'receipted'
        when o.waits then 'queued'
        when m.receipt_due_at is null
            and exists (select from dialogpost.notification n where n.message = m.id and (n.state = 'none' or n.code = 'expired')) then 'called_off'
        when m.receipt_due_at is null then 'sent'
        when m.receipt_due_at < now() then 'overdue'
        else 'awaiting_receipt'
    end as state
from dialogpost.message m
left join lateral (
    select id from dialogpost.dead_letter where (outbox = m.id or message = m.id) and replayed_at is null limit 1
) d on true
-- An answer is written as it is sent; anything else waits for helsenorge-outbound first.
cross join lateral (
    select exists (select from dialogpost.outbox where id = m.id and wire = 'nhn')
        or (m.answers is null
            and not exists (select from dialogpost.processed where worker = 'helsenorge-outbound' and message_id = m.id::text)) as waits
) o
left join lateral (select * from dialogpost.receipted where about = m.id) r on true
where m.direction = 'out' and m.end_state is null;
