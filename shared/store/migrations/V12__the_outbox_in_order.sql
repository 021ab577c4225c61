-- Takes what is due to be published, the first due first, and leases it until `lease_end`; rows that another process takes are skipped.
--
-- In the order of the index, whatever the planner thinks: rows live here for milliseconds, and only an index scan remembers which entries are
-- dead. A bitmap scan reads all that died since the last vacuum, each time.
create function dialogpost.outbox_take(before timestamptz, lease_end timestamptz, wires text[], most bigint)
    returns setof dialogpost.outbox language plpgsql set enable_bitmapscan = off set enable_seqscan = off as $$
begin
    return query with due as (
        select o.id from dialogpost.outbox o where o.due_at <= before and o.wire = any(wires)
        order by o.due_at limit most for update skip locked
    )
    update dialogpost.outbox o set due_at = lease_end from due where o.id = due.id returning o.*;
end $$;
