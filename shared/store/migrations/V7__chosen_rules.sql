-- A worker of the release before writes dialogs without the time of their newest message: while it is being replaced, they are as new as they
-- are.
alter table dialogpost.dialog alter column newest_at set default now();

-- The employee who chose a rule by command; none: the set-up file did. What was chosen outlives the file's next application.
alter table dialogpost.routing_rule add column chosen_by text;
