//! RabbitMQ: the only lapin.
