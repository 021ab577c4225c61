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

-- Whoever has written in a dialog takes part in it, so that his dialogs are found without looking at everybody's. Here, and not in the
-- workers, so that it holds for what those of the release before write while they are being replaced.
alter table dialogpost.dialog_participant add column clinic bigint;
update dialogpost.dialog_participant t set clinic = d.clinic from dialogpost.dialog d where d.id = t.dialog;
insert into dialogpost.dialog_participant (dialog, employee, clinic)
    select distinct e.dialog, e.author, d.clinic from dialogpost.dialog_entry e join dialogpost.dialog d on d.id = e.dialog
    where e.author is not null on conflict do nothing;
create index dialog_participant_of_employee on dialogpost.dialog_participant (clinic, employee);

create function dialogpost.know_clinic() returns trigger language plpgsql as $$
begin
    select clinic into new.clinic from dialogpost.dialog where id = new.dialog;
    return new;
end $$;
create trigger know_clinic before insert on dialogpost.dialog_participant
    for each row when (new.clinic is null) execute function dialogpost.know_clinic();

create function dialogpost.take_part() returns trigger language plpgsql as $$
begin
    insert into dialogpost.dialog_participant (dialog, employee) values (new.dialog, new.author) on conflict do nothing;
    return null;
end $$;
create trigger take_part after insert on dialogpost.dialog_entry
    for each row when (new.author is not null) execute function dialogpost.take_part();
