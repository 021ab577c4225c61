-- Of an edit that was kept long enough the body is empty; that there is none says that it was taken back.
drop trigger append_only_but_bodies on dialogpost.dead_letter_edit;
create trigger append_only_but_bodies before update on dialogpost.dead_letter_edit
    for each row when (new.body is distinct from old.body and new.body is distinct from '' or (new.body is null) <> (old.body is null)
        or new.properties is distinct from old.properties and new.properties is distinct from '{}'
        or (new.properties is null) <> (old.properties is null)
        or (new.letter, new.number, new.at, new.actor, new.reason, new.fields)
            is distinct from (old.letter, old.number, old.at, old.actor, old.reason, old.fields))
    execute function dialogpost.refuse_change();
