-- Notices to patients: how each clinic gives them, where each patient gets them, and what became of every one.

alter table dialogpost.clinic add column notices_enabled boolean not null default false;
alter table dialogpost.clinic add column notice_channels text[] not null default '{}';
alter table dialogpost.clinic add column notice_language text not null default 'nb' check (notice_language in ('nb', 'nn', 'en'));

alter table dialogpost.patient add column phone text;
alter table dialogpost.patient add column email text;
alter table dialogpost.patient add column push text;
alter table dialogpost.patient add column language text check (language in ('nb', 'nn', 'en'));

-- One row for each notice, also for one that nobody gets: `reason` says why.
create table dialogpost.notification (
    id uuid primary key,
    clinic bigint not null references dialogpost.clinic,
    patient uuid not null references dialogpost.patient,
    kind text not null check (kind in ('booked', 'moved', 'cancelled', 'reminder', 'message')),
    -- What it is about: a version of an appointment, or an entry of an E-dialog.
    appointment uuid references dialogpost.appointment,
    version integer,
    starts_at timestamptz,
    entry uuid references dialogpost.dialog_entry,
    -- Exactly one, once it is decided.
    channel text check (channel in ('helsenorge', 'sms', 'email', 'push')),
    reason text,
    state text not null check (state in ('due', 'sending', 'sent', 'delivered', 'failed', 'none')),
    address text,
    language text not null,
    -- Due: from when it is sent, or looked at again while it has no channel. Sending: until when it is whoever's took it.
    due_at timestamptz,
    expires_at timestamptz,
    attempts integer not null default 0,
    -- HelseNorge's: the message that tells it.
    message uuid references dialogpost.message,
    -- What the provider calls it.
    provider_id text,
    code text,
    -- When it was first looked at; its text is dated so.
    created_at timestamptz not null,
    changed_at timestamptz not null,
    constraint notification_about check ((kind = 'message') = (entry is not null) and (entry is null) = (appointment is not null)
        and (appointment is null) = (version is null) and (appointment is null) = (starts_at is null)),
    constraint notification_none check ((state = 'none') = (reason is not null) and (state <> 'none' or channel is null)),
    constraint notification_own check (channel is null or (channel = 'helsenorge') = (address is null)),
    -- N4: one for each version and kind, and one reminder for each time.
    unique (appointment, version, kind),
    unique (entry)
);
create unique index notification_one_reminder on dialogpost.notification (appointment, starts_at)
    where kind = 'reminder' and channel is not null;
create index notification_due on dialogpost.notification (channel, due_at)
    where state in ('due', 'sending') and channel is distinct from 'helsenorge';
create index notification_ending on dialogpost.notification (expires_at)
    where state in ('due', 'sending') and channel is distinct from 'helsenorge';
create index notification_of_patient on dialogpost.notification (patient);
create index notification_message on dialogpost.notification (message) where message is not null;
