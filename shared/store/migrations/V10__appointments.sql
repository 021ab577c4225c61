-- Timebøker, slots and appointments: what patients book on HelseNorge, and what the clinic changes itself.

-- For the constraint below that keeps two appointments of one timebok apart; trusted, so the database's owner may create it.
create extension if not exists btree_gist with schema dialogpost;

-- Whether patients may book video consultations (T7), and until how many hours before an appointment a patient may cancel it himself.
alter table dialogpost.clinic add column video_module boolean not null default false;
alter table dialogpost.clinic add column cancellation_hours integer not null default 0 check (cancellation_hours between 0 and 336);

create table dialogpost.appointment_type (
    clinic bigint not null references dialogpost.clinic on delete cascade,
    id text not null,
    name text not null,
    minutes integer not null check (minutes between 1 and 1440),
    contact text not null check (contact in ('oppmote', 'video', 'telefon')),
    -- Skjult time: never sent to HelseNorge, never noticed (T6).
    hidden boolean not null,
    notify boolean not null,
    -- The set-up no longer names it: it stays for the sake of what is of it.
    closed boolean not null default false,
    primary key (clinic, id)
);

create table dialogpost.timebok (
    clinic bigint not null references dialogpost.clinic on delete cascade,
    id text not null,
    owner text not null,
    notify boolean not null,
    -- The set-up file names it no more: nothing more is booked in it.
    closed boolean not null default false,
    primary key (clinic, id)
);
create index timebok_of_owner on dialogpost.timebok (clinic, owner);

-- Times that a timebok offers. One that is not online is offered to nobody on HelseNorge; whether it is free follows from the appointments.
create table dialogpost.slot (
    clinic bigint not null,
    timebok text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null check (ends_at > starts_at),
    type text not null,
    online boolean not null,
    -- What HelseNorge knows it by: random, so that it tells nothing; a new one each time that it is booked.
    uid uuid not null unique,
    primary key (clinic, timebok, starts_at),
    foreign key (clinic, timebok) references dialogpost.timebok on delete cascade,
    foreign key (clinic, type) references dialogpost.appointment_type
);

create table dialogpost.appointment (
    id uuid primary key,
    clinic bigint not null,
    timebok text not null,
    patient uuid not null references dialogpost.patient,
    starts_at timestamptz not null,
    ends_at timestamptz not null check (ends_at > starts_at),
    type text not null,
    status text not null check (status in ('booked', 'cancelled', 'no_show')),
    -- What HelseNorge knows it by.
    uid uuid not null unique,
    -- 1, and one more with each change.
    version integer not null check (version >= 1),
    -- What it is about, as the patient said.
    comment text,
    booked_at timestamptz not null,
    changed_at timestamptz not null,
    foreign key (clinic, timebok) references dialogpost.timebok,
    foreign key (clinic, type) references dialogpost.appointment_type,
    -- Two patients never hold the same time (T4).
    -- Deferrable, so that it looks at what a whole statement leaves: appointments of one batch may change places.
    constraint appointment_one_at_a_time exclude using gist (clinic with =, timebok with =, tstzrange(starts_at, ends_at) with &&)
        where (status <> 'cancelled') deferrable initially immediate
);
create index appointment_of_timebok on dialogpost.appointment (clinic, timebok, starts_at);
create index appointment_of_patient on dialogpost.appointment (patient, starts_at);

-- Each version as it was made, by whom. `request`: the message from HelseNorge that asked for it; the timebok does not show it (T8).
create table dialogpost.appointment_change (
    appointment uuid not null references dialogpost.appointment,
    version integer not null,
    change text not null check (change in ('booked', 'moved', 'cancelled', 'type_changed', 'no_show')),
    at timestamptz not null,
    actor text,
    request uuid,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    type text not null,
    primary key (appointment, version)
);
create trigger append_only before update or delete on dialogpost.appointment_change
    for each row execute function dialogpost.refuse_change();
create trigger append_only_whole before truncate on dialogpost.appointment_change
    for each statement execute function dialogpost.refuse_change();

-- What HelseNorge was last told of an appointment.
create table dialogpost.appointment_told (
    appointment uuid primary key references dialogpost.appointment,
    version integer not null,
    shown boolean not null,
    at timestamptz not null,
    -- The message that told it.
    message uuid not null,
    -- How often HelseNorge has turned down what it was told of this version.
    refusals integer not null default 0
);
create index appointment_told_message on dialogpost.appointment_told (message);

-- Appointments that HelseNorge may have to be told of: changed, or of patients whom it has come to reach. What is on its way by itself is not
-- looked at before a while has gone by.
create table dialogpost.appointment_owed (
    appointment uuid primary key references dialogpost.appointment,
    since timestamptz not null
);
create index appointment_owed_since on dialogpost.appointment_owed (since);

-- Reservations and cancellations from HelseNorge, as they came. The answer is a message of its own.
create table dialogpost.booking_request (
    message uuid primary key references dialogpost.message,
    clinic bigint not null,
    patient uuid not null references dialogpost.patient,
    -- Whom the patient addressed: a doctor's HER-id, or the clinic's.
    addressed bigint not null,
    kind text not null check (kind in ('reserve', 'cancel')),
    -- Of which slot or appointment; null: none that could be ours.
    uid uuid,
    comment text,
    representative jsonb,
    -- MsgId of the first message of its conversation; null: it begins one.
    conversation text,
    received_at timestamptz not null
);

-- What became of each: `code` says why not.
create table dialogpost.booking_decision (
    request uuid primary key references dialogpost.booking_request,
    at timestamptz not null,
    answer uuid not null,
    code text,
    appointment uuid references dialogpost.appointment
);
create index booking_decision_of_appointment on dialogpost.booking_decision (appointment) where appointment is not null;

-- The one reminder of an appointment that is still to come (N1). Its time lies inside the window of its promise.
create table dialogpost.reminder (
    appointment uuid primary key references dialogpost.appointment,
    version integer not null,
    due_at timestamptz not null,
    expires_at timestamptz not null
);
create index reminder_due on dialogpost.reminder (due_at);

-- Timeønsker are dialogs, with inboxes and a rule of their own.
alter table dialogpost.routing_rule drop constraint routing_rule_dialog_kind_check;
alter table dialogpost.routing_rule add constraint routing_rule_dialog_kind_check
    check (dialog_kind in ('EKONTAKT', 'EKONSULTASJON', 'RESEPTFORNYELSE', 'TIMEONSKE'));

-- A booking is delivered when it is decided.
alter table dialogpost.message drop constraint message_outcome_check;
alter table dialogpost.message add constraint message_outcome_check check (outcome in
    ('accepted', 'rejected', 'refused', 'repeated', 'filed', 'replied', 'expired', 'noted', 'booking', 'dead', 'sent')) not valid;
alter table dialogpost.message validate constraint message_outcome_check;
create unique index message_booking_once on dialogpost.message (from_her_id, msg_id) where outcome = 'booking';

create or replace view dialogpost.decided_state as
select m.id, m.at, m.clinic, m.function, m.outcome, m.code,
    case
        when m.outcome = 'dead' or d.message is not null then 'dead'
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
