-- The clinic's side: dialogs it begins, commands and their answers, files on their way in, whom HelseNorge can reach, and who did what.

-- A dialog between colleagues has no patient. `origin` is the kind it was opened as, when it was converted since (K3, P3).
alter table dialogpost.dialog alter column patient drop not null;
alter table dialogpost.dialog add column origin text;
alter table dialogpost.dialog add column closed_at timestamptz;
alter table dialogpost.dialog add column newest_at timestamptz;
update dialogpost.dialog d set newest_at = greatest(opened_at, (select max(received_at) from dialogpost.dialog_entry e where e.dialog = d.id));
alter table dialogpost.dialog alter column newest_at set not null;
create index dialog_of_clinic on dialogpost.dialog (clinic, newest_at, id);
create index inbox_item_of_employee on dialogpost.inbox_item (clinic, employee);

-- Who of the clinic wrote it, and which prescription request it answers: exactly one answer each (P2).
alter table dialogpost.dialog_entry add column author text;
alter table dialogpost.dialog_entry add column answers uuid references dialogpost.dialog_entry;
create unique index dialog_entry_answers on dialogpost.dialog_entry (answers) where answers is not null;

-- Those between whom a dialog of colleagues is.
create table dialogpost.dialog_participant (
    dialog uuid not null references dialogpost.dialog,
    employee text not null,
    primary key (dialog, employee)
);

-- What lies in a patient's inbox of the vendor's own portal: E-dialogs, which HelseNorge never sees.
create table dialogpost.portal_item (
    entry uuid primary key references dialogpost.dialog_entry,
    clinic bigint not null,
    patient uuid not null references dialogpost.patient,
    delivered_at timestamptz not null
);
create index portal_item_of_patient on dialogpost.portal_item (patient);

-- Through which party the clinic reaches HelseNorge; null: the only one there is.
alter table dialogpost.clinic add column helsenorge bigint;

-- Commands that were decided on. The same command again gets the same answer.
create table dialogpost.command (
    clinic bigint not null,
    id uuid not null,
    name text not null,
    digest bytea not null check (length(digest) = 32),
    actor text not null,
    at timestamptz not null,
    answer_id uuid not null,
    answer jsonb not null,
    primary key (clinic, id)
);

-- Whether a message that no queue takes is kept until one does.
alter table dialogpost.outbox add column awaited boolean not null default true;

-- Files that a clinic uploads in parts before a command attaches them.
create table dialogpost.upload (
    clinic bigint not null,
    id uuid not null,
    parts integer not null,
    at timestamptz not null,
    primary key (clinic, id)
);
create index upload_at on dialogpost.upload (at);
create table dialogpost.upload_part (
    clinic bigint not null,
    upload uuid not null,
    part integer not null,
    bytes bytea not null,
    primary key (clinic, upload, part),
    foreign key (clinic, upload) references dialogpost.upload on delete cascade
);
alter table dialogpost.upload_part alter column bytes set storage external;

-- What HelseNorge said of a person whom a clinic asked about, and whether it is to be asked again. `doubted`: something said since that it
-- holds no longer.
create table dialogpost.contact_status (
    clinic bigint not null,
    nin text not null,
    active boolean,
    consented boolean,
    as_of timestamptz,
    doubted boolean not null default false,
    wanted_at timestamptz,
    asked_at timestamptz,
    primary key (clinic, nin),
    check ((active is null) = (as_of is null) and (consented is null) = (as_of is null))
);
create index contact_status_wanted on dialogpost.contact_status (wanted_at) where wanted_at is not null;

-- Questions over AMQP: the answer names only those who are active, so those who were asked about are kept.
create table dialogpost.contact_question (
    message uuid primary key references dialogpost.message,
    clinic bigint not null,
    nins text[] not null,
    answered_at timestamptz
);

-- Who did what, on whose data, why, when. One chain for each clinic, and one (clinic 0) for what concerns none: each row's hash covers the
-- one before, so that a row that is changed, removed or slipped in breaks it.
alter table dialogpost.audit rename to audit_before_chains;
create table dialogpost.audit (
    clinic bigint not null,
    sequence bigint not null,
    at timestamptz not null,
    actor text not null,
    action text not null,
    subject text not null,
    patients text[] not null,
    reason text,
    detail jsonb,
    hash bytea not null check (length(hash) = 32),
    primary key (clinic, sequence)
);
create index audit_patients on dialogpost.audit using gin (patients);
-- The end of each chain; whoever writes locks it.
create table dialogpost.audit_head (
    clinic bigint primary key,
    sequence bigint not null,
    hash bytea not null
);
create trigger append_only before update or delete on dialogpost.audit
    for each row execute function dialogpost.refuse_change();
create trigger append_only_whole before truncate on dialogpost.audit
    for each statement execute function dialogpost.refuse_change();
