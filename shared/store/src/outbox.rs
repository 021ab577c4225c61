//! Messages on their way to a broker.

use crate::large::{LARGE, LongRow, PIECE};
use crate::step::{column, step};
use crate::{Session, StoreError, Tx};
use ::messages::transport::{Outgoing, Properties, Wire};
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::HashSet;
use tokio_postgres::types::{Json, ToSql, Type};
use uuid::Uuid;

/// Writes outgoing messages in the effect's transaction. A message without `not_before` is the writer's to publish until `lease_end`.
///
/// # Errors
/// As any step.
pub async fn insert(tx: &Tx<'_>, outgoing: &[Outgoing], lease_end: Timestamp) -> Result<(), StoreError> {
    let (large, outgoing): (Vec<&Outgoing>, Vec<&Outgoing>) = outgoing.iter().partition(|o| o.body.len() > LARGE);
    for outgoing in large {
        insert_large(tx, outgoing, lease_end).await?;
    }
    if outgoing.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = outgoing.iter().map(|o| o.id).collect();
    let wires: Vec<&str> = outgoing.iter().map(|o| o.wire.as_str()).collect();
    let exchanges: Vec<&str> = outgoing.iter().map(|o| o.exchange.as_str()).collect();
    let keys: Vec<&str> = outgoing.iter().map(|o| o.routing_key.as_str()).collect();
    let properties: Vec<Json<&Properties>> = outgoing.iter().map(|o| Json(&o.properties)).collect();
    let bodies: Vec<&[u8]> = outgoing.iter().map(|o| o.body.as_ref()).collect();
    let causes: Vec<Option<Uuid>> = outgoing.iter().map(|o| o.cause).collect();
    let due: Vec<Timestamp> = outgoing.iter().map(|o| o.not_before.unwrap_or(lease_end)).collect();
    let awaited: Vec<bool> = outgoing.iter().map(|o| o.is_awaited).collect();
    let insert = step!(
        "outbox.insert",
        "insert into dialogpost.outbox (id, wire, exchange, routing_key, properties, body, cause, due_at, awaited)
         select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::bytea[], $7::uuid[], $8::timestamptz[],
            $9::bool[])"
    );
    tx.query(insert, &[&ids, &wires, &exchanges, &keys, &properties, &bodies, &causes, &due, &awaited]).await.map(drop)
}

async fn insert_large(tx: &Tx<'_>, outgoing: &Outgoing, lease_end: Timestamp) -> Result<(), StoreError> {
    let copy = step!(
        "outbox.insert_large",
        "copy dialogpost.outbox (id, wire, exchange, routing_key, properties, cause, due_at, awaited, body) from stdin (format binary)"
    );
    let columns: [(Type, &(dyn ToSql + Sync)); 8] = [
        (Type::UUID, &outgoing.id),
        (Type::TEXT, &outgoing.wire.as_str()),
        (Type::TEXT, &outgoing.exchange),
        (Type::TEXT, &outgoing.routing_key),
        (Type::JSONB, &Json(&outgoing.properties)),
        (Type::UUID, &outgoing.cause),
        (Type::TIMESTAMPTZ, &outgoing.not_before.unwrap_or(lease_end)),
        (Type::BOOL, &outgoing.is_awaited),
    ];
    let body = &outgoing.body;
    let pieces = (0..body.len()).step_by(PIECE).map(|at| body.slice(at..body.len().min(at + PIECE)));
    tx.copy(copy, LongRow { columns: &columns, length: body.len() }, pieces).await
}

/// Removes what a broker has confirmed.
///
/// # Errors
/// As any step.
pub async fn delete(session: &Session, ids: &[Uuid]) -> Result<(), StoreError> {
    let delete = step!("outbox.delete", "delete from dialogpost.outbox where id = any($1)");
    session.query(delete, &[&ids]).await.map(drop)
}

/// A row taken for sending.
#[derive(Clone, Debug)]
pub struct Due {
    /// What to send.
    pub outgoing: Outgoing,
    /// How often sending it has failed.
    pub attempts: u32,
}

/// Takes rows whose time has come and leases them until `lease_end`, oldest first; rows that another worker is taking are skipped.
///
/// # Errors
/// As any step.
pub async fn take_due(
    session: &Session,
    wires: &[Wire],
    now: Timestamp,
    lease_end: Timestamp,
    limit: i64,
) -> Result<Vec<Due>, StoreError> {
    let wires: Vec<&str> = wires.iter().map(|w| w.as_str()).collect();
    let take = step!(
        "outbox.take",
        "select id, wire, exchange, routing_key, properties, body, cause, attempts, awaited from dialogpost.outbox_take($1, $2, $3, $4)"
    );
    let rows = session.query(take, &[&now, &lease_end, &wires, &limit]).await?;
    // Row by row, so that a body is not held twice for long.
    let mut due = rows.into_iter().map(|row| due_of(&row)).collect::<Result<Vec<_>, _>>()?;
    due.sort_by_key(|d| d.outgoing.id);
    Ok(due)
}

fn due_of(row: &tokio_postgres::Row) -> Result<Due, StoreError> {
    let wire: &str = column(row, "wire")?;
    let Json(properties): Json<Properties> = column(row, "properties")?;
    let body: &[u8] = column(row, "body")?;
    let attempts: i32 = column(row, "attempts")?;
    let outgoing = Outgoing {
        id: column(row, "id")?,
        wire: if wire == Wire::Nhn.as_str() { Wire::Nhn } else { Wire::Dialogpost },
        exchange: column(row, "exchange")?,
        routing_key: column(row, "routing_key")?,
        properties,
        body: Bytes::copy_from_slice(body),
        cause: column(row, "cause")?,
        led_by: None,
        not_before: None,
        is_awaited: column(row, "awaited")?,
    };
    Ok(Due { outgoing, attempts: u32::try_from(attempts).unwrap_or(0) })
}

/// Leases rows that are still being sent until `lease_end`, unless they were put off beyond that.
///
/// # Errors
/// As any step.
pub async fn renew(session: &Session, ids: &[Uuid], lease_end: Timestamp) -> Result<(), StoreError> {
    let renew = step!("outbox.renew", "update dialogpost.outbox set due_at = greatest(due_at, $2) where id = any($1)");
    session.query(renew, &[&ids, &lease_end]).await.map(drop)
}

/// Puts rows off whose sending failed.
///
/// # Errors
/// As any step.
pub async fn postpone(session: &Session, postponed: &[(Uuid, Timestamp)]) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = postponed.iter().map(|(id, _)| *id).collect();
    let due: Vec<Timestamp> = postponed.iter().map(|(_, due)| *due).collect();
    let postpone = step!(
        "outbox.postpone",
        "update dialogpost.outbox o set due_at = p.due, attempts = o.attempts + 1
         from unnest($1::uuid[], $2::timestamptz[]) p(id, due) where o.id = p.id"
    );
    session.query(postpone, &[&ids, &due]).await.map(drop)
}

/// As [`delete`], within a transaction; tells which were there.
///
/// # Errors
/// As any step.
pub async fn take_out(tx: &Tx<'_>, ids: &[Uuid]) -> Result<HashSet<Uuid>, StoreError> {
    let take = step!("outbox.take_out", "delete from dialogpost.outbox where id = any($1) returning id");
    tx.query(take, &[&ids]).await?.iter().map(|row| column(row, "id")).collect()
}
