//! What the database says of the messages of a run: a count of its own, and when each was where.

use crate::roots::Roots;
use jiff::Timestamp;
use std::collections::HashMap;
use tokio_postgres::{Client, Row};

/// MsgIds asked about at once.
const PAGE: usize = 5000;

/// Where a message was, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) stored: Timestamp,
    pub(crate) in_inboxes: Option<Timestamp>,
    pub(crate) journaled: Option<Timestamp>,
}

/// What is found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// By MsgId, those that were accepted.
    pub(crate) ways: HashMap<String, Way>,
    /// MsgIds that were accepted more than once.
    pub(crate) doubled: u64,
    /// Dead letters since the run began.
    pub(crate) dead: i64,
    /// Rows that wait to be sent.
    pub(crate) outbox: i64,
}

/// Asks about these MsgIds.
///
/// # Errors
/// The database does not answer.
pub(crate) async fn find(url: &str, roots: &Roots, msg_ids: &[&str], since: Timestamp) -> Result<Found, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, roots.for_database()).await?;
    tokio::spawn(connection);
    let mut found = Found::default();
    for page in msg_ids.chunks(PAGE) {
        for row in ways(&client, page).await? {
            let way = Way { stored: row.get("at"), in_inboxes: row.get("delivered_at"), journaled: row.get("journaled_at") };
            if found.ways.insert(row.get("msg_id"), way).is_some() {
                found.doubled += 1;
            }
        }
    }
    let dead = client.query_one("select count(*) from dialogpost.dead_letter where at >= $1", &[&since]).await?;
    let outbox = client.query_one("select count(*) from dialogpost.outbox", &[]).await?;
    (found.dead, found.outbox) = (dead.get(0), outbox.get(0));
    Ok(found)
}

async fn ways(client: &Client, msg_ids: &[&str]) -> Result<Vec<Row>, tokio_postgres::Error> {
    let sql = "select m.msg_id, m.at, (select min(delivered_at) from dialogpost.inbox_item i where i.entry = m.id) as delivered_at, j.journaled_at
        from unnest($1::text[]) k(id) join dialogpost.message m on m.msg_id = k.id and m.outcome = 'accepted' and m.from_her_id = 8093244
        left join dialogpost.journal_entry j on j.entry = m.id";
    client.query(sql, &[&msg_ids]).await
}
