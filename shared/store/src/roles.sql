-- A role for each worker, with what it needs and nothing else: who routes reads no journal, who journals reads no appointments. Where a row is only
-- locked, its key may be "changed": PostgreSQL asks for that, and keys are referred to, so that nothing can be.
do $$
declare
    workers constant text[] := array['helsenorge_inbound', 'recipient_routing', 'ekonsultasjon_journaling', 'appointment_booking',
        'helsenorge_outbound', 'clinic_commands', 'appointment_notifications', 'dead_letter_keeper'];
    worker text;
    needed record;
begin
    foreach worker in array workers loop
        if not exists (select from pg_roles where rolname = 'dialogpost_' || worker) then
            execute format('create role %I nologin', 'dialogpost_' || worker);
        end if;
        execute format('revoke all on all tables in schema dialogpost from %I', 'dialogpost_' || worker);
        execute format('grant usage on schema dialogpost to %I', 'dialogpost_' || worker);
    end loop;
    for needed in select n.worker, n.privileges, n.tables from (values
        -- The life of a message: claims, the outbox, dead letters.
        ('all', 'select', 'schema_history'),
        ('all', 'select, insert, delete', 'processed'),
        ('all', 'select, insert, update, delete', 'outbox'),
        ('all', 'select, insert, update (settled_at)', 'dead_letter'),
        ('all', 'select (id, clinic)', 'message'),
        ('all', 'select (id, dialog)', 'dialog_entry'),
        ('all', 'select (her_id, async_queue, sync_queue, syncreply_queue, error_queue)', 'clinic'),

        ('helsenorge_inbound', 'select', 'agreement agreement_certificate appointment_type certificate clinic communication_party employee
            party_certificate patient recipient_set routing_rule slot sync_request timebok appointment appointment_change'),
        ('helsenorge_inbound', 'select, insert', 'attachment booking_request dialog_entry receipt sync_reply'),
        ('helsenorge_inbound', 'select, insert, update', 'appointment_owed contact_status crl dialog message'),
        ('helsenorge_inbound', 'select, insert, update, delete', 'waiting'),
        ('helsenorge_inbound', 'select, update', 'appointment_told contact_question notification'),
        ('helsenorge_inbound', 'update (id)', 'appointment'),

        ('recipient_routing', 'select', 'appointment_type clinic dialog_entry employee message patient recipient_set routing_rule timebok'),
        ('recipient_routing', 'select, insert', 'inbox_item'),
        ('recipient_routing', 'select, update', 'dialog'),

        ('ekonsultasjon_journaling', 'select', 'attachment dialog dialog_entry employee patient'),
        ('ekonsultasjon_journaling', 'select, insert', 'journal_entry'),

        ('appointment_booking', 'select', 'appointment_type booking_request clinic communication_party employee patient recipient_set routing_rule'),
        ('appointment_booking', 'select, insert', 'appointment_change booking_decision message'),
        ('appointment_booking', 'select, insert, update', 'appointment appointment_told'),
        ('appointment_booking', 'select, insert, update, delete', 'appointment_owed reminder'),
        ('appointment_booking', 'select, update', 'contact_status notification slot'),
        ('appointment_booking', 'select, update (id)', 'timebok'),
        -- A reminder that is called off expects no receipt.
        ('appointment_booking', 'update (receipt_due_at)', 'message'),

        ('helsenorge_outbound', 'select', 'agreement agreement_certificate appointment appointment_type attachment certificate clinic
            communication_party dialog_entry employee party_certificate receipt sent_state sync_request'),
        ('helsenorge_outbound', 'select, insert, update', 'crl message'),
        ('helsenorge_outbound', 'select, update', 'notification'),
        ('helsenorge_outbound', 'update (id)', 'appointment'),

        ('clinic_commands', 'select', 'appointment_type booking_decision booking_request clinic communication_party employee patient receipt
            recipient_set sent_state'),
        ('clinic_commands', 'select, insert', 'appointment_change attachment audit command contact_question dialog_entry dialog_participant
            inbox_item journal_entry portal_item'),
        ('clinic_commands', 'select, insert, delete', 'routing_rule'),
        ('clinic_commands', 'select, insert, update', 'appointment appointment_told audit_head contact_status dialog message slot'),
        ('clinic_commands', 'select, insert, update, delete', 'appointment_owed reminder upload upload_part'),
        ('clinic_commands', 'select, update', 'notification'),
        ('clinic_commands', 'select, update (id)', 'timebok'),

        ('appointment_notifications', 'select', 'agreement agreement_certificate appointment appointment_change appointment_type certificate clinic
            communication_party dialog dialog_entry employee party_certificate patient recipient_set routing_rule timebok'),
        ('appointment_notifications', 'select, insert, update', 'appointment_told contact_status message notification'),
        ('appointment_notifications', 'select, insert, update, delete', 'appointment_owed reminder'),
        ('appointment_notifications', 'update (id)', 'appointment'),

        ('dead_letter_keeper', 'select', 'dead_letter_state message_state put_off sent_state'),
        ('dead_letter_keeper', 'select (key)', 'waiting'),
        -- What is kept no longer goes (`pruning.rs`); of what goes it reads the age only.
        ('dead_letter_keeper', 'select, insert, update', 'pruning'),
        ('dead_letter_keeper', 'select (at, direction, end_state, left_open)', 'message'),
        ('dead_letter_keeper', 'update (raw, end_state, left_open)', 'message'),
        ('dead_letter_keeper', 'select (ctid, clinic, id, at), delete', 'command'),
        ('dead_letter_keeper', 'select (ctid, message, answered_at), delete', 'contact_question'),
        ('dead_letter_keeper', 'update (body, properties)', 'dead_letter'),
        ('dead_letter_keeper', 'select (letter, properties), update (body, properties)', 'dead_letter_edit'),
        ('dead_letter_keeper', 'select (ctid, changed_at, address, state), update (address)', 'notification')
    ) n(worker, privileges, tables) loop
        foreach worker in array case needed.worker when 'all' then workers else array[needed.worker] end loop
            execute format('grant %s on %s to %I', needed.privileges,
                (select string_agg(format('dialogpost.%I', t), ', ') from regexp_split_to_table(needed.tables, '\s+') t), 'dialogpost_' || worker);
        end loop;
    end loop;
end $$;
