//! Private Postgres and RabbitMQ for tests.
