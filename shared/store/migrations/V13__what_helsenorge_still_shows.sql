-- A reminder that was written and not sent, since the appointment changed or it grew too late before it left, is neither sent nor dead: it was
-- called off.
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
left join lateral (select id from dialogpost.dead_letter where id = m.id or message = m.id limit 1) d on true
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

-- The latest end of any version that HelseNorge was told of: which one it shows is not known once it has stopped to reach the patient.
alter table dialogpost.appointment_told add column shown_until timestamptz,
    -- The newest version that it has turned down: `refusals` are of it.
    add column turned_down integer not null default 0;
update dialogpost.appointment_told t
    set shown_until = (select max(v.ends_at) from dialogpost.appointment_change v where v.appointment = t.appointment);
alter table dialogpost.appointment_told alter column shown_until set not null;
