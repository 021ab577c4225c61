-- HelseNorge's wire: requests whose sender waits, and what becomes of what we send.

alter table dialogpost.message drop constraint message_outcome_check;
alter table dialogpost.message add constraint message_outcome_check check (outcome in
    ('accepted', 'rejected', 'refused', 'repeated', 'filed', 'replied', 'expired', 'dead', 'sent')) not valid;
alter table dialogpost.message validate constraint message_outcome_check;

-- Until when the receiver must have receipted what we sent; null: no receipt is due.
alter table dialogpost.message add column receipt_due_at timestamptz;
create index message_awaits_receipt on dialogpost.message (receipt_due_at) where receipt_due_at is not null;
create index receipt_about on dialogpost.receipt (about);

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
where m.direction = 'in';

-- Files below KEYS_DIR: the key a clinic signs with, and those it decrypts with, the present one and earlier or coming ones.
alter table dialogpost.clinic add column signing_key text;
alter table dialogpost.clinic add column decryption_keys text[] not null default '{}';

-- Where the clinic waits for replies.
alter table dialogpost.clinic add column syncreply_queue text;
update dialogpost.clinic set syncreply_queue = her_id || '_syncreply';
alter table dialogpost.clinic alter column syncreply_queue set not null;

-- Requests of ours whose reply somebody waits for, known before they are sent, and what came.
create table dialogpost.sync_request (
    message uuid primary key references dialogpost.message,
    asked bigint not null,
    due_at timestamptz not null
);
create table dialogpost.sync_reply (
    request uuid primary key references dialogpost.sync_request,
    message uuid not null references dialogpost.message
);

-- Revocation lists as they were fetched.
create table dialogpost.crl (
    url text primary key,
    list bytea not null,
    fetched_at timestamptz not null,
    next_update timestamptz
);

-- What became of each message we sent, proven by the rows that exist. An error message outweighs every receipt, a rejection an acceptance:
-- whoever reads this must not miss that something went wrong. The dead letter of what no queue took has the message's own id.
create view dialogpost.sent_state as
select m.id, m.at, m.clinic, m.to_her_id, m.function, m.receipt_due_at, r.codes,
    case
        when d.id is not null then 'dead'
        when r.error then 'failed'
        when r.rejected then 'rejected'
        when r.accepted then 'receipted'
        when o.waits then 'queued'
        when m.receipt_due_at is null then 'sent'
        when m.receipt_due_at < now() then 'overdue'
        else 'awaiting_receipt'
    end as state
from dialogpost.message m
left join lateral (select id from dialogpost.dead_letter where id = m.id or message = m.id limit 1) d on true
-- An answer is written as it is sent; anything else waits for helsenorge-outbound first.
cross join lateral (
    select exists (select from dialogpost.outbox where id = m.id and wire = 'nhn')
        or (m.answers is null
            and not exists (select from dialogpost.processed where worker = 'helsenorge-outbound' and message_id = m.id::text)) as waits
) o
left join lateral (
    select bool_or(kind = 'error') as error, bool_or(kind = 'apprec' and coalesce(status, '') not in ('1', '3')) as rejected,
        bool_or(kind = 'apprec' and status in ('1', '3')) as accepted,
        (select array_agg(distinct c) from dialogpost.receipt x, unnest(x.codes) c where x.about = m.id) as codes
    from dialogpost.receipt where about = m.id
) r on true
where m.direction = 'out';
