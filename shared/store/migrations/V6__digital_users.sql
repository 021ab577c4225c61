-- What HelseNorge tells of its users: taken in and receipted, but no entry of a dialog. Such a message is in flight until its receipt is
-- with NHN's broker; then its state is its outcome, as the view says of every outcome that it does not name.

alter table dialogpost.message drop constraint message_outcome_check;
alter table dialogpost.message add constraint message_outcome_check check (outcome in
    ('accepted', 'rejected', 'refused', 'repeated', 'filed', 'replied', 'expired', 'noted', 'dead', 'sent')) not valid;
alter table dialogpost.message validate constraint message_outcome_check;

-- As message_once, which stays as it is: no message becomes the one here and the other there.
create unique index message_noted_once on dialogpost.message (from_her_id, msg_id) where outcome = 'noted';
