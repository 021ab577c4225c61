//! Bodies that are read and written piece by piece: the driver alone would hold what it sends three times, and what it reads twice.

use crate::step::{MapError as _, Params, Step, column, run, timed};
use crate::{Session, StoreError, Tx};
use bytes::{BufMut, Bytes, BytesMut};
use deadpool_postgres::GenericClient;
use futures_util::SinkExt;
use std::pin::pin;
use tokio_postgres::CopyInSink;
use tokio_postgres::types::{IsNull, ToSql, Type};

/// Bytes that are held several times without harm; what is larger goes piece by piece.
pub(crate) const LARGE: usize = 1024 * 1024;
/// Bytes of one piece.
pub(crate) const PIECE: usize = 256 * 1024;

/// How a COPY of binary rows begins: signature, no flags, no extension (PostgreSQL, COPY, Binary Format).
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// How it ends.
const TRAILER: &[u8] = &[0xff, 0xff];

/// One row whose last column, `bytea`, is long.
pub(crate) struct LongRow<'a> {
    /// The other columns, in the order of the statement.
    pub(crate) columns: &'a [(Type, &'a (dyn ToSql + Sync))],
    /// Bytes of the last one.
    pub(crate) length: usize,
}

impl LongRow<'_> {
    /// All that comes before the long column's bytes.
    fn lead(&self) -> Result<BytesMut, StoreError> {
        let unfit = || StoreError::row("param");
        let mut lead = BytesMut::from(HEADER);
        lead.put_i16(i16::try_from(self.columns.len() + 1).map_err(|_| unfit())?);
        for (of, value) in self.columns {
            let mut bytes = BytesMut::new();
            match value.to_sql_checked(of, &mut bytes).map_err(|_| unfit())? {
                IsNull::Yes => lead.put_i32(-1),
                IsNull::No => {
                    lead.put_i32(i32::try_from(bytes.len()).map_err(|_| unfit())?);
                    lead.put_slice(&bytes);
                }
            }
        }
        lead.put_i32(i32::try_from(self.length).map_err(|_| unfit())?);
        Ok(lead)
    }
}

impl Tx<'_> {
    /// Inserts one row by `copy … from stdin (format binary)`.
    ///
    /// # Errors
    /// As any step.
    pub(crate) async fn copy(
        &self,
        step: Step,
        row: LongRow<'_>,
        pieces: impl Iterator<Item = Bytes> + Send,
    ) -> Result<(), StoreError> {
        let lead = row.lead()?.freeze();
        let copying = async {
            let statement = self.inner.prepare_cached(step.sql).await?;
            let mut sink = pin!(self.inner.copy_in::<_, Bytes>(&statement).await?);
            sink.feed(lead).await?;
            for piece in pieces {
                sink.feed(piece).await?;
            }
            sink.feed(Bytes::from_static(TRAILER)).await?;
            CopyInSink::finish(sink.as_mut()).await
        };
        timed(step.name, copying.map_error(step.name)).await.map(drop)
    }

    /// See [`Session::long`].
    pub(crate) async fn long(&self, step: Step, keys: Params<'_>, length: i32) -> Result<Vec<u8>, StoreError> {
        long(&self.inner, step, keys, length).await
    }
}

impl Session {
    /// Reads a long column. The statement gives `piece`, so many bytes of it (`$2`) from a place on (`$1`, from 1); its keys are `$3` and on.
    ///
    /// # Errors
    /// As any step.
    pub(crate) async fn long(&self, step: Step, keys: Params<'_>, length: i32) -> Result<Vec<u8>, StoreError> {
        long(&self.client, step, keys, length).await
    }
}

async fn long(client: &impl GenericClient, step: Step, keys: Params<'_>, length: i32) -> Result<Vec<u8>, StoreError> {
    let length = usize::try_from(length).map_err(|_| StoreError::row("length"))?;
    let mut whole = Vec::with_capacity(length);
    while whole.len() < length {
        let place = |n: usize| i32::try_from(n).map_err(|_| StoreError::row("length"));
        let (from, count) = (place(whole.len() + 1)?, place(PIECE)?);
        let params: Vec<&(dyn ToSql + Sync)> =
            [&from as &(dyn ToSql + Sync), &count].into_iter().chain(keys.iter().copied()).collect();
        let rows = run(client, step, &params).await?;
        let piece: &[u8] = column(rows.first().ok_or_else(|| StoreError::row("piece"))?, "piece")?;
        if piece.is_empty() {
            return Err(StoreError::row("piece"));
        }
        whole.extend_from_slice(piece);
    }
    Ok(whole)
}
