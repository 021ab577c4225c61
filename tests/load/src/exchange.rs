//! Everything signed and encrypted, in both directions.

use crate::mix::{End, Shot};
use helsenorge::Exchange;
use jiff::Timestamp;
use pki::Pki;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;

/// Makes it.
///
/// # Errors
/// A file cannot be written.
pub(crate) fn write(dir: &Path, bits: u32) -> Result<(), String> {
    #[allow(clippy::disallowed_methods, reason = "certificates go by the clock on the wall")]
    let now = Timestamp::now();
    // Nobody listens there: the lists are in TRUST_DIR.
    let pki = Pki::new(now, "http://127.0.0.1:9/crl", bits);
    let (helsenorge, clinic) = pki.helsenorge_and_clinic();
    pki.write_exchange(dir, &helsenorge, &clinic).map_err(|error| format!("{}: {error}", dir.display()))
}

/// What [`write()`] wrote.
///
/// # Errors
/// It cannot be read.
pub(crate) fn read(dir: &Path) -> Result<Exchange, String> {
    Exchange::read(dir).map_err(|error| format!("--exchange: {error}\nMake one with dialogpost-load exchange."))
}

/// The set-up with certificates and names of keys, if there is an exchange.
///
/// # Errors
/// HelseNorge's certificates cannot be read.
pub(crate) fn setup(mut setup: Value, dir: Option<&Path>) -> Result<String, String> {
    if let Some(dir) = dir {
        let certificate = |name| {
            let pem = helsenorge::exchange::file(dir, name).map_err(|error| format!("--exchange: {error}"))?;
            String::from_utf8(pem).map_err(|_| format!("--exchange: {name} is no PEM"))
        };
        setup["parties"][0]["signing_certificate"] = certificate("signing.pem")?.into();
        setup["parties"][0]["encryption_certificate"] = certificate("encryption.pem")?.into();
        setup["clinics"][0]["own_certificates"] = json!({ "signing": "signing.pem", "encryption": "encryption.pem" });
    }
    Ok(setup.to_string())
}

/// Every message sealed. What is delivered again is the same to the last byte.
pub(crate) fn sealed(exchange: &Exchange, shots: Vec<Shot>) -> Vec<Shot> {
    let (messages, ends): (Vec<_>, Vec<End>) = shots.into_iter().map(|shot| (shot.sent, shot.end)).unzip();
    let sealed = exchange.sealed_all(messages);
    let mut first = HashMap::new();
    sealed
        .into_iter()
        .zip(ends)
        .map(|(mut sent, end)| {
            let body = first.entry(sent.transport_id.clone()).or_insert_with(|| sent.body.clone());
            sent.body = body.clone();
            Shot { sent, end }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mix::{Order, shots};

    #[test]
    fn everything_is_sealed_and_what_comes_again_is_the_same() {
        let dir = std::env::temp_dir().join(format!("dialogpost-load-{}", std::process::id()));
        write(&dir, 2048).unwrap();
        let exchange = read(&dir).unwrap();
        let mix = "ekontakt=1".parse().unwrap();
        let plain = shots(&Order { messages: 60, mix, text: 100, duplicates: 50, bad: 0, patients: 5, seed: 7, run: 11 });
        let sealed = sealed(&exchange, plain.clone());
        let mut bodies = HashMap::new();
        for (plain, sealed) in plain.iter().zip(&sealed) {
            assert_eq!((&plain.sent.transport_id, plain.end), (&sealed.sent.transport_id, sealed.end));
            assert_eq!(sealed.sent.properties.content_type.as_deref(), Some(helsenorge::SEALED));
            assert_ne!(plain.sent.body, sealed.sent.body);
            let first = bodies.entry(&sealed.sent.transport_id).or_insert(&sealed.sent.body);
            assert_eq!(*first, &sealed.sent.body);
        }
        assert!(bodies.len() < sealed.len());

        let named: Value = serde_json::from_str(&setup(crate::mix::setup(3), Some(&dir)).unwrap()).unwrap();
        assert!(named["parties"][0]["signing_certificate"].as_str().unwrap().contains("BEGIN CERTIFICATE"));
        assert_eq!(named["clinics"][0]["own_certificates"]["encryption"], "encryption.pem");
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(setup(crate::mix::setup(3), Some(&dir)).unwrap_err().contains("signing.pem"));
    }
}
