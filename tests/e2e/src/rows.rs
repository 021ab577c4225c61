//! Looking into the database, for assertions.

use tokio_postgres::types::{FromSqlOwned, ToSql};
use tokio_postgres::{Client, NoTls, Row};

/// A connection of the test's own.
pub struct Rows {
    client: Client,
}

impl Rows {
    /// Connects.
    pub async fn connect(url: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the test database answers");
        tokio::spawn(connection);
        Self { client }
    }

    /// Rows of a query.
    pub async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        self.client.query(sql, params).await.unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// The message with which the database refuses a statement.
    pub async fn refused(&self, sql: &str) -> String {
        let error = self.client.batch_execute(sql).await.expect_err("the database refuses it");
        error.as_db_error().map(|e| e.message().to_owned()).unwrap_or_default()
    }

    /// The first column of every row.
    pub async fn column<T: FromSqlOwned>(&self, sql: &str) -> Vec<T> {
        self.query(sql, &[]).await.iter().map(|r| r.get(0)).collect()
    }

    /// The first column of the only row.
    pub async fn one<T: FromSqlOwned>(&self, sql: &str) -> T {
        let rows = self.query(sql, &[]).await;
        assert_eq!(rows.len(), 1, "{sql}");
        rows[0].get(0)
    }

    /// Rows of a table.
    pub async fn count(&self, table: &str) -> i64 {
        self.one(&format!("select count(*) from {table}")).await
    }

    /// Messages received, and how many of them are in flight.
    pub async fn flight(&self) -> (i64, i64) {
        let sql = "select count(*), count(*) filter (where state = 'in_flight') from dialogpost.message_state";
        let row = &self.query(sql, &[]).await[0];
        (row.get(0), row.get(1))
    }

    /// What is known of messages in flight: function, outcome, and which workers have claimed them.
    pub async fn stuck(&self) -> Vec<String> {
        self.column(
            "select coalesce(m.function, '') || ' ' || m.outcome || ' ' || coalesce(m.msg_id, '') || ' claimed by '
                || coalesce((select string_agg(p.worker, ' ') from dialogpost.processed p where p.message_id = m.id::text), 'nobody')
             from dialogpost.message_state s join dialogpost.message m on m.id = s.id where s.state = 'in_flight'",
        )
        .await
    }
}
