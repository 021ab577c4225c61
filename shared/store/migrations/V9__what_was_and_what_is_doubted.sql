-- Every kind that a dialog had before its present one: what comes under any of them is still its own (K3, P3). Only the first was kept.
alter table dialogpost.dialog add column former_kinds text[] not null default '{}';
update dialogpost.dialog set former_kinds = array[origin] where origin is not null;
alter table dialogpost.dialog drop column origin;

-- Since when a status is doubted. A mere wish to ask again is no newer doubt.
alter table dialogpost.contact_status add column doubted_at timestamptz;
update dialogpost.contact_status set doubted_at = coalesce(wanted_at, as_of) where doubted;
alter table dialogpost.contact_status drop column doubted;

-- Names under which a clinic's journal systems are known to our broker; none: whoever may give commands may give them for this clinic.
alter table dialogpost.clinic add column command_users text[] not null default '{}';

-- Dialogs in which an employee has written.
create index dialog_entry_of_author on dialogpost.dialog_entry (author) where author is not null;
