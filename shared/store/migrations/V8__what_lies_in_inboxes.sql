-- Messages of the clinic that were turned down, in the inboxes of those who must know: few, and asked for often. The label says so also
-- where the whole clinic stands in for an author who has left.
update dialogpost.inbox_item i set via = array['turned-down'] || i.via from dialogpost.dialog_entry e
    where e.id = i.entry and e.direction = 'out' and i.via = '{fallback:clinic}';
create index inbox_item_turned_down on dialogpost.inbox_item (clinic, employee) where via @> '{turned-down}';

-- A kind's default that somebody chose by command (R3): kept, so that the set-up file does not undo it. `rule` is what the default was then,
-- for workers of the release before.
alter table dialogpost.routing_rule add column is_default boolean not null default false;
