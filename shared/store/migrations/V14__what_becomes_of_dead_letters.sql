-- What becomes of dead letters: planned and replayed, edited, discarded, each with who and why.

alter table dialogpost.dead_letter
    -- What made its effect happen once: the row of `processed` that is given back when it is replayed. Null: it takes none.
    add column claim_of text,
    add column claim text,
    -- What it was: an event's or command's name, a message function.
    add column kind text,
    add column clinic bigint,
    -- The dialog or appointment within which order is kept.
    add column thread text,
    -- Of what could not be sent: its row in the outbox, and where it was to go.
    add column outbox uuid,
    add column wire text check (wire in ('dialogpost', 'nhn')),
    add column exchange text,
    -- Of what died again after a replay: what was replayed.
    add column replay_of uuid references dialogpost.dead_letter,
    -- Of these the first, and when it died: the order of a dialog goes by it.
    add column origin uuid,
    add column since timestamptz,
    -- Like causes have like texts, but for numbers and ids.
    add column cause text generated always as (left(md5(worker || ' ' || code || ' ' || regexp_replace(text,
        '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9]+', '#', 'g')), 8)) stored,
    add column replay uuid,
    add column replayed_at timestamptz,
    -- Its effect has happened.
    add column settled_at timestamptz,
    add column discarded_at timestamptz;

-- Letters of before: their claims are found by how each worker names them, if they are there still. A letter whose claim is not found is not
-- replayed: it would be taken for a repetition.
update dialogpost.dead_letter l set claim_of = case l.code when 'broker-gave-up' then 'dead-letter-keeper' else l.worker end,
    outbox = (select id from dialogpost.message m where m.id = l.id and m.direction = 'out'),
    clinic = (select clinic from dialogpost.message m where m.id = l.message),
    thread = (select dialog::text from dialogpost.dialog_entry e where e.id = l.message),
    kind = case when l.properties->>'subject' ~ '^[A-Z_]{1,64}$' then l.properties->>'subject' end;
update dialogpost.dead_letter l set claim = (
    select p.message_id from dialogpost.processed p where p.worker = l.claim_of and p.message_id = any(array[
        case when position('MessageTurnedDown'::bytea in l.body) > 0 then 'turned-down/' || l.message
            when l.worker in ('recipient-routing', 'ekonsultasjon-journaling', 'appointment-booking', 'helsenorge-outbound') then l.message::text end,
        case l.worker when 'appointment-notifications' then l.properties->>'message_id' end,
        case l.worker when 'helsenorge-inbound'
            then coalesce(l.properties->'application'->>'fromHerId', '') || '/' || (l.properties->>'message_id') || '/' end,
        case l.claim_of when 'dead-letter-keeper' then l.queue || '/' || (l.properties->>'message_id') end,
        'unreadable/' || (l.properties->>'message_id')]) limit 1);
update dialogpost.dead_letter set origin = id, since = at;
alter table dialogpost.dead_letter alter column origin set not null, alter column since set not null;

-- Workers of the release before go on meanwhile: their letters are like those of before.
create function dialogpost.letter_of_before() returns trigger language plpgsql as $$
begin
    new.origin := new.id;
    new.since := new.at;
    new.claim_of := new.worker;
    new.outbox := (select id from dialogpost.message m where m.id = new.id and m.direction = 'out');
    return new;
end $$;
create trigger letter_of_before before insert on dialogpost.dead_letter
    for each row when (new.origin is null) execute function dialogpost.letter_of_before();

create index dead_letter_since on dialogpost.dead_letter (since, origin);
create index dead_letter_open on dialogpost.dead_letter (since, origin) where replayed_at is null and discarded_at is null;
create index dead_letter_thread on dialogpost.dead_letter (thread, since, origin) where replayed_at is null and discarded_at is null;
create index dead_letter_replay_of on dialogpost.dead_letter (replay_of) where replay_of is not null;
create index dead_letter_outbox on dialogpost.dead_letter (outbox) where outbox is not null;

-- A letter as it is to be replayed instead of how it came: the last edit counts. One without properties takes all edits back.
create table dialogpost.dead_letter_edit (
    letter uuid not null references dialogpost.dead_letter,
    number integer not null check (number >= 1),
    at timestamptz not null,
    actor text not null,
    reason text not null,
    fields text[] not null,
    properties jsonb,
    body bytea,
    primary key (letter, number)
);
create trigger append_only before update or delete on dialogpost.dead_letter_edit
    for each row execute function dialogpost.refuse_change();

-- What is to be replayed, in which order. `runner` replays it until `lease_end`; who comes later watches.
create table dialogpost.replay (
    id uuid primary key,
    planned_at timestamptz not null,
    planned_by text not null,
    reason text,
    started_at timestamptz,
    started_by text,
    runner uuid,
    lease_end timestamptz,
    stop_asked_by text,
    -- Why it does not go on: `done`, `brake`, `stopped`.
    ended text check (ended in ('done', 'brake', 'stopped')),
    ended_at timestamptz
);
create table dialogpost.replay_item (
    replay uuid not null references dialogpost.replay,
    number integer not null,
    letter uuid not null references dialogpost.dead_letter,
    -- The edit that was looked at; 0: none.
    edit integer not null,
    released_at timestamptz,
    -- Why it was passed over.
    passed_over text,
    primary key (replay, number),
    unique (replay, letter)
);
alter table dialogpost.dead_letter add constraint dead_letter_replay foreign key (replay) references dialogpost.replay;

-- Who may see a body, why, and until when.
create table dialogpost.dead_letter_grant (
    letter uuid not null references dialogpost.dead_letter,
    actor text not null,
    reason text not null,
    until timestamptz not null,
    primary key (letter, actor)
);

-- Where each letter stands.
create view dialogpost.dead_letter_state as
select l.id, case
        when l.discarded_at is not null then 'discarded'
        when l.replayed_at is null then 'open'
        when exists (select from dialogpost.dead_letter n where n.replay_of = l.id) then 'died_again'
        when l.settled_at is not null or (l.outbox is not null and not exists (select from dialogpost.outbox o where o.id = l.outbox)) then 'done'
        else 'under_way'
    end as state
from dialogpost.dead_letter l;

-- Who has received anything lately is asked for by time: what was just inserted must be found by the index too.
alter index dialogpost.message_at set (autosummarize = on);

-- What is replayed is no longer dead: what becomes of it is found by the rows that exist.
create or replace view dialogpost.decided_state as
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
where m.direction = 'in';

-- One that was dead and waits now stands in the ledger already.
create or replace view dialogpost.put_off as
select w.*, case when exists (select from dialogpost.dead_letter d where d.message = w.message and d.replayed_at is null)
    then 'dead' else 'in_flight' end as state
from dialogpost.waiting w
where not exists (select from dialogpost.processed where worker = 'helsenorge-inbound' and message_id = w.key)
    and not exists (select from dialogpost.message m where m.id = w.message);

create or replace view dialogpost.sent_state as
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
left join lateral (
    select bool_or(kind = 'error') as error, bool_or(kind = 'apprec' and coalesce(status, '') not in ('1', '3')) as rejected,
        bool_or(kind = 'apprec' and status in ('1', '3')) as accepted,
        (select array_agg(distinct c) from dialogpost.receipt x, unnest(x.codes) c where x.about = m.id) as codes
    from dialogpost.receipt where about = m.id
) r on true
where m.direction = 'out';
