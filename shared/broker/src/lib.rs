//! RabbitMQ: the only lapin.

pub mod amqp10;
pub mod connect;
pub mod properties;
pub mod reconnect;
pub mod topology;
