//! The map as a file of definitions that RabbitMQ imports when it starts, with a user for each worker that may do only what the worker does.

use super::{DEAD_LETTER_EXCHANGE, EXCHANGE, QUEUES, QueueRow, arguments_of};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lapin::types::{AMQPValue, FieldTable};
use messages::Sensitive;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Who a user is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// A worker, by its name.
    Worker(String),
    /// Whoever runs `dialogpost topology apply`.
    Topology,
    /// A journal system: gives commands, and has queues named `epj.…` of its own.
    Epj,
    /// The stand-in for HelseNorge.
    HelseNorge,
    /// Whoever looks at the management pages.
    Monitoring,
}

/// A user of the broker.
#[derive(Clone, Debug)]
pub struct User {
    /// Its name on the broker.
    pub name: String,
    /// Its password.
    pub password: Sensitive<String>,
    /// Who it is.
    pub role: Role,
}

/// The worker that reads the clinics' queues on NHN's broker.
const READS_NHN: &str = "helsenorge-inbound";
/// The worker that publishes to it.
const WRITES_NHN: &str = "helsenorge-outbound";
/// Queues of HER-ids.
const NHN_QUEUES: &str = r"[0-9]+_(async|sync|syncreply|error)";

/// The file's content. `nhn_exchange` is the stand-in's, where NHN's queues are on the same broker. `salt` makes a salt for each password.
pub fn definitions(vhost: &str, nhn_exchange: &str, users: &[User], mut salt: impl FnMut() -> [u8; 4]) -> Value {
    let permissions = |user: &User| {
        let [configure, write, read] = rights(&user.role, nhn_exchange);
        json!({ "user": user.name, "vhost": vhost, "configure": configure, "write": write, "read": read })
    };
    let user = |user: &User| {
        let tags: &[&str] = if user.role == Role::Monitoring { &["monitoring"] } else { &[] };
        json!({
            "name": user.name, "password_hash": hash(user.password.expose(), salt()),
            "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": tags,
        })
    };
    json!({
        "vhosts": [{ "name": vhost }],
        "users": users.iter().map(user).collect::<Vec<_>>(),
        "permissions": users.iter().map(permissions).collect::<Vec<_>>(),
        "exchanges": [exchange(EXCHANGE, vhost), exchange(DEAD_LETTER_EXCHANGE, vhost)],
        "queues": QUEUES.iter().map(|row| queue(row, vhost)).collect::<Vec<_>>(),
        "bindings": QUEUES.iter().flat_map(|row| bindings(row, vhost)).collect::<Vec<_>>(),
    })
}

/// Configure, write, read: regular expressions over names, as RabbitMQ takes them. What reads a queue writes nothing into it; retries go
/// through the default exchange.
fn rights(role: &Role, nhn_exchange: &str) -> [String; 3] {
    let exactly = |names: &str| format!("^({names})$");
    let (dialogpost, nhn) = (escaped(EXCHANGE), escaped(nhn_exchange));
    match role {
        Role::Worker(worker) => {
            let own = format!(r"dialogpost\.{}(\.sync)?", escaped(worker));
            let reads = if worker == READS_NHN { format!("{own}|{NHN_QUEUES}") } else { own };
            let writes = if worker == WRITES_NHN {
                format!(r"{dialogpost}|amq\.default|{nhn}")
            } else {
                format!(r"{dialogpost}|amq\.default")
            };
            [String::from("^$"), exactly(&writes), exactly(&reads)]
        }
        Role::Topology => [".*".to_owned(), ".*".to_owned(), ".*".to_owned()],
        Role::Epj => [exactly(r"epj\..*"), exactly(r"amq\.default|epj\..*"), exactly(&format!(r"epj\..*|{dialogpost}"))],
        Role::HelseNorge => [String::from("^$"), exactly(&format!(r"{nhn}|amq\.default")), exactly(NHN_QUEUES)],
        Role::Monitoring => [String::from("^$"), String::from("^$"), String::from("^$")],
    }
}

fn escaped(name: &str) -> String {
    name.replace('.', r"\.")
}

/// As RabbitMQ keeps passwords: four bytes of salt, and SHA-256 of them and the password.
fn hash(password: &str, salt: [u8; 4]) -> String {
    let digest = Sha256::new().chain_update(salt).chain_update(password.as_bytes()).finalize();
    STANDARD.encode([salt.as_slice(), digest.as_slice()].concat())
}

fn exchange(name: &str, vhost: &str) -> Value {
    json!({ "name": name, "vhost": vhost, "type": "topic", "durable": true, "auto_delete": false, "internal": false, "arguments": {} })
}

fn queue(row: &QueueRow, vhost: &str) -> Value {
    json!({ "name": row.name, "vhost": vhost, "durable": true, "auto_delete": false, "arguments": json_of(&arguments_of(row)) })
}

fn bindings(row: &QueueRow, vhost: &str) -> Vec<Value> {
    let binding = |key: &&str| {
        json!({
            "source": row.exchange, "vhost": vhost, "destination": row.name, "destination_type": "queue", "routing_key": key,
            "arguments": {},
        })
    };
    row.keys.iter().map(binding).collect()
}

fn json_of(arguments: &FieldTable) -> Value {
    let value = |value: &AMQPValue| match value {
        AMQPValue::LongUInt(number) => json!(number),
        AMQPValue::LongString(text) => json!(text.to_string()),
        other => json!(format!("{other:?}")),
    };
    Value::Object(arguments.inner().iter().map(|(name, v)| (name.to_string(), value(v))).collect::<Map<_, _>>())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_may_do_what_it_does_and_no_more() {
        let of = |worker: &str| rights(&Role::Worker(worker.to_owned()), "NHNTESTServiceBus");
        let routing = [r"^$", r"^(dialogpost|amq\.default)$", r"^(dialogpost\.recipient-routing(\.sync)?)$"];
        assert_eq!(of("recipient-routing"), routing);
        assert!(of("helsenorge-inbound")[2].contains("_(async|sync|syncreply|error)"));
        assert!(of("helsenorge-outbound")[1].contains("NHNTESTServiceBus"));
        assert!(!of("clinic-commands")[1].contains("NHN"));
    }

    #[test]
    fn passwords_are_kept_as_rabbitmq_keeps_them() {
        // From RabbitMQ's own documentation of password hashes.
        assert_eq!(hash("test12", [0x90, 0x8d, 0xc6, 0x0a]), "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR");
    }

    #[test]
    fn every_queue_is_there_with_its_arguments() {
        let all = definitions("/", "NHNTESTServiceBus", &[], || [0; 4]);
        let queues = all["queues"].as_array().unwrap();
        assert_eq!(queues.len(), QUEUES.len());
        assert!(queues.iter().all(|queue| queue["arguments"]["x-queue-type"] == "quorum"));
        assert_eq!(queues[0]["arguments"]["x-delivery-limit"], 20);
    }
}
