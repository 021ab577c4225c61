-- The tables of the inbound path: who takes part, what arrived, where it went.
-- Ids of messages are UUIDv7, so primary keys grow at one end and order by time.

-- Those we talk with, and their queues on NHN's broker.
create table dialogpost.party (
    her_id bigint primary key,
    name text not null,
    parent_her_id bigint,
    async_queue text not null,
    sync_queue text not null,
    error_queue text not null
);

create table dialogpost.clinic (
    her_id bigint primary key,
    name text not null,
    parent_her_id bigint,
    nhn_member boolean not null,
    digital_dialog_ordered boolean not null,
    async_queue text not null,
    sync_queue text not null,
    error_queue text not null
);

create table dialogpost.employee (
    clinic bigint not null references dialogpost.clinic on delete cascade,
    id text not null,
    name text not null,
    her_id bigint unique,
    hpr text,
    services text[] not null,
    primary key (clinic, id)
);

-- Positions, groups and roles.
create table dialogpost.recipient_set (
    clinic bigint not null references dialogpost.clinic on delete cascade,
    kind text not null check (kind in ('position', 'group', 'role')),
    id text not null,
    name text not null,
    members text[] not null,
    primary key (clinic, kind, id)
);

create table dialogpost.routing_rule (
    clinic bigint not null references dialogpost.clinic on delete cascade,
    dialog_kind text not null check (dialog_kind in ('EKONTAKT', 'EKONSULTASJON', 'RESEPTFORNYELSE')),
    rule jsonb not null,
    primary key (clinic, dialog_kind)
);

create table dialogpost.patient (
    id uuid primary key,
    clinic bigint not null references dialogpost.clinic,
    nin text not null,
    family_name text not null,
    given_name text not null,
    fastlege text,
    unique (clinic, nin)
);

-- A worker's claim of a message: what makes every effect happen once.
create table dialogpost.processed (
    worker text not null,
    message_id text not null,
    at timestamptz not null,
    primary key (worker, message_id)
);

-- Messages on their way to a broker. A row is deleted when the broker has confirmed it. `due_at` is when any worker may take it:
-- the writer publishes at once, so for a plain message it lies a lease ahead; for a retry it is the time of the retry.
create table dialogpost.outbox (
    id uuid primary key,
    wire text not null check (wire in ('dialogpost', 'nhn')),
    exchange text not null,
    routing_key text not null,
    properties jsonb not null,
    body bytea not null,
    cause uuid,
    due_at timestamptz not null,
    attempts integer not null default 0
);
create index outbox_due on dialogpost.outbox (due_at);
create index outbox_cause on dialogpost.outbox (cause) where wire = 'nhn';

-- The ledger: every message that crossed NHN's broker. What became of an incoming one follows from `outcome` and from the effects
-- that exist (view `message_state`), not from a flag that someone must remember to set.
create table dialogpost.message (
    id uuid primary key,
    direction text not null check (direction in ('in', 'out')),
    at timestamptz not null,
    clinic bigint,
    from_her_id bigint,
    to_her_id bigint,
    queue text not null,
    function text,
    transport_id text,
    msg_id text,
    outcome text not null check (outcome in ('accepted', 'rejected', 'refused', 'repeated', 'filed', 'dead', 'sent')),
    code text,
    answer jsonb,
    head jsonb,
    answers uuid,
    properties jsonb not null,
    raw bytea compression lz4 not null
);
-- Small bodies stay in the row, large ones move out.
alter table dialogpost.message alter column raw set storage main;
-- The same business message under another transport id is answered, not stored again.
create unique index message_once on dialogpost.message (from_her_id, msg_id) where outcome in ('accepted', 'rejected');
-- A hash, since a sender's id may be longer than an ordered index takes.
create index message_transport_id on dialogpost.message using hash (transport_id) where direction = 'in';
create index message_at on dialogpost.message using brin (at);

create table dialogpost.dialog (
    id uuid primary key,
    clinic bigint not null,
    patient uuid not null references dialogpost.patient,
    kind text not null,
    conversation text not null,
    title text not null,
    flagged boolean not null,
    entries integer not null,
    opened_at timestamptz not null,
    unique (patient, conversation, kind)
);

-- One message of a dialog; its id is the message's.
create table dialogpost.dialog_entry (
    id uuid primary key,
    dialog uuid not null references dialogpost.dialog,
    sequence integer not null,
    direction text not null check (direction in ('in', 'out')),
    form text not null,
    code text,
    subject text,
    text text not null,
    sent_at timestamptz,
    received_at timestamptz not null,
    representative jsonb,
    delivery text,
    prescriptions jsonb,
    unique (dialog, sequence)
);

create table dialogpost.attachment (
    entry uuid not null references dialogpost.dialog_entry,
    number integer not null,
    file_name text not null,
    media_type text not null,
    bytes bytea not null,
    primary key (entry, number)
);
alter table dialogpost.attachment alter column bytes set storage external;

-- One copy for each person, however many rules name him; `via` tells which did.
create table dialogpost.inbox_item (
    entry uuid not null references dialogpost.dialog_entry,
    employee text not null,
    clinic bigint not null,
    via text[] not null,
    flagged boolean not null,
    delivered_at timestamptz not null,
    primary key (entry, employee)
);

-- The patient's journal: complete by itself and append-only. Attachments are those of the entry, which never change either.
create table dialogpost.journal_entry (
    entry uuid primary key references dialogpost.dialog_entry,
    clinic bigint not null,
    patient uuid not null references dialogpost.patient,
    direction text not null,
    author text not null,
    subject text,
    text text not null,
    attachments integer not null,
    sent_at timestamptz,
    received_at timestamptz not null,
    journaled_at timestamptz not null
);

-- AppRecs and error messages about what we sent.
create table dialogpost.receipt (
    message uuid primary key references dialogpost.message,
    about uuid,
    original_id text,
    kind text not null check (kind in ('apprec', 'error')),
    status text,
    codes text[] not null
);

create table dialogpost.dead_letter (
    id uuid primary key,
    at timestamptz not null,
    worker text not null,
    fault text not null,
    code text not null,
    text text not null,
    attempts integer not null,
    message uuid,
    queue text not null,
    properties jsonb not null,
    body bytea not null
);
create index dead_letter_message on dialogpost.dead_letter (message);

create table dialogpost.audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    subject text not null,
    reason text,
    detail jsonb
);

create function dialogpost.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

create trigger append_only before update or delete on dialogpost.journal_entry
    for each row execute function dialogpost.refuse_change();
create trigger append_only_whole before truncate on dialogpost.journal_entry
    for each statement execute function dialogpost.refuse_change();
create trigger append_only before update or delete on dialogpost.audit
    for each row execute function dialogpost.refuse_change();
create trigger append_only_whole before truncate on dialogpost.audit
    for each statement execute function dialogpost.refuse_change();
create trigger append_only before update or delete on dialogpost.dialog_entry
    for each row execute function dialogpost.refuse_change();
create trigger append_only_whole before truncate on dialogpost.dialog_entry
    for each statement execute function dialogpost.refuse_change();
create trigger append_only before update or delete on dialogpost.attachment
    for each row execute function dialogpost.refuse_change();
create trigger append_only_whole before truncate on dialogpost.attachment
    for each statement execute function dialogpost.refuse_change();

-- Exactly one state for every incoming message, proven by the rows that exist.
create view dialogpost.message_state as
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
    select m.outcome in ('filed', 'dead')
        or (exists (select from dialogpost.processed where worker = 'helsenorge-outbound' and message_id = m.id::text)
            and not exists (select from dialogpost.outbox where cause = m.id and wire = 'nhn')) as yes
) answered
where m.direction = 'in';
