//! `check` of what protected exchange needs.

use crate::{FIXTURE, apply, dialogpost, fixture_with, run, variables};
use jiff::Timestamp;
use pki::Pki;
use serde_json::{Value, json};
use std::path::PathBuf;
use testbed::{World, world};

/// A folder that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(world: &World) -> Self {
        let folder = std::env::temp_dir().join(format!("dialogpost-keys-{}", world.database));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[allow(clippy::disallowed_methods)]
fn pki() -> Pki {
    Pki::new(Timestamp::now(), "http://127.0.0.1:9/crl", 2048)
}

fn codes(found: &Value) -> Vec<(&str, &str)> {
    let missing = found["protection"]["missing"].as_array().unwrap();
    missing.iter().map(|lack| (lack["code"].as_str().unwrap(), lack["of"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn what_protection_lacks_is_listed_and_makes_no_clinic_unready() {
    let world = world().await;
    dialogpost(&world, &["apply", FIXTURE]).await.code(0);
    let found = dialogpost(&world, &["check", "8141333", "--json"]).await.code(0).json();
    assert_eq!((&found["ready"], &found["protection"]["ready"]), (&json!(true), &json!(false)));
    let helsenorge = "8093244 Helsenorge.no";
    let clinic = "the clinic";
    assert_eq!(
        codes(&found),
        [
            ("signing-key", clinic),
            ("decryption-key", clinic),
            ("party-signing-certificate", helsenorge),
            ("party-encryption-certificate", helsenorge)
        ]
    );
    let told = dialogpost(&world, &["check", "8141333"]).await.code(0);
    told.says(&["Clinic 8141333: ready", "Protected exchange: not yet", "own_certificates.signing", "registry import"]);
}

#[tokio::test]
async fn keys_are_tried_and_certificates_looked_up() {
    let (world, pki) = (world().await, pki());
    let (helsenorge, clinic) = (pki.party("Norsk Helsenett SF", "994598759", 100), pki.party("Solbakken", "999999999", 200));
    let pem = |identity: &pki::Identity| json!(String::from_utf8(identity.pem()).unwrap());
    let own = json!({ "signing": "signing.pem", "encryption": "encryption.p12", "legacy_encryption": ["gone.pem"] });
    let setup = fixture_with(&[
        ("/parties/0/signing_certificate", pem(&helsenorge.signing)),
        ("/parties/0/encryption_certificate", pem(&helsenorge.encryption)),
        ("/clinics/0/own_certificates", own),
    ]);
    apply(&world, &setup).await.code(0);
    let folder = Folder::new(&world);
    let signing = [clinic.signing.chain_pem(), clinic.signing.key_pem()].concat();
    std::fs::write(folder.0.join("signing.pem"), &signing).unwrap();
    std::fs::write(folder.0.join("encryption.p12"), clinic.encryption.pkcs12("hemmelig")).unwrap();
    let mut environment = variables(&world).to_vec();
    dialogpost(&world, &["check", "8141333"]).await.code(0).says(&[
        "nothing is lacking as far as could be seen",
        "Not looked at: the keys, since KEYS_DIR is not set here",
        "Not looked at: whether the parties' certificates are trusted, since TRUST_DIR is not set here",
        "not tried: KEYS_DIR is not set",
    ]);

    environment.push(("KEYS_DIR", folder.0.to_str().unwrap()));
    let without_password = run(&environment, &["check", "8141333", "--json"]).await.code(0).json();
    assert_eq!(codes(&without_password), [("key-unreadable", "key encryption.p12"), ("key-unreadable", "key gone.pem")]);

    environment.push(("KEYS_PASSWORD", "hemmelig"));
    let found = run(&environment, &["check", "8141333", "--json"]).await.code(0).json();
    assert_eq!(codes(&found), [("key-unreadable", "key gone.pem")]);
    let keys = &found["protection"]["keys"];
    assert_eq!((&keys[0]["purpose"], &keys[0]["state"], &keys[0]["days_left"]), (&json!("signing"), &json!("good"), &json!(364)));
    assert_eq!((&keys[1]["purpose"], &keys[1]["state"]), (&json!("decryption"), &json!("good")));
    let party = &found["protection"]["parties"][0];
    assert_eq!((&party["her_id"], &party["signing"]["source"]), (&json!(8_093_244), &json!("party 8093244")));
    let told = run(&environment, &["check", "8141333"]).await.code(0).says(&["signing.pem", "encryption.p12", "364", "gone.pem"]);
    let secret = String::from_utf8(signing).unwrap();
    let line = secret.lines().rev().nth(1).unwrap();
    told.never_says(&["hemmelig", "PRIVATE KEY", line]);

    let trust = folder.0.join("trust");
    std::fs::create_dir(&trust).unwrap();
    environment.push(("TRUST_DIR", trust.to_str().unwrap()));
    let untrusting = run(&environment, &["check", "8141333", "--json"]).await.code(0).json();
    let helsenorge = "8093244 Helsenorge.no";
    let untrusted = [("party-signing-untrusted", helsenorge), ("party-encryption-untrusted", helsenorge)];
    assert_eq!(codes(&untrusting), [&[("key-unreadable", "key gone.pem")][..], &untrusted].concat());
    for (name, authority) in [("root.pem", &pki.root), ("intermediate.pem", &pki.intermediate)] {
        std::fs::write(trust.join(name), authority.identity().pem()).unwrap();
    }
    let trusting = run(&environment, &["check", "8141333", "--json"]).await.code(0).json();
    assert_eq!(codes(&trusting), [("key-unreadable", "key gone.pem")]);
    assert_eq!(
        (&trusting["protection"]["parties"][0]["signing"]["trusted"], &trusting["protection"]["unseen"]),
        (&json!(true), &json!([]))
    );

    // Others encrypt to what the agreement says.
    let agreement = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/cpa/cpa-v2.xml");
    run(&environment, &["registry", "import", agreement]).await.code(0);
    let disagreeing = run(&environment, &["check", "8141333", "--json"]).await.code(0).json();
    let of = ("agreement-certificate", "agreement 7f9c1f6e-3a52-4f0e-9d1b-5c2a8e4d6b10");
    assert_eq!(codes(&disagreeing).iter().filter(|lack| **lack == of).count(), 2, "for signing and for encryption");
}

#[tokio::test]
async fn a_wrong_keys_dir_is_told() {
    let world = world().await;
    let mut environment = variables(&world).to_vec();
    environment.push(("KEYS_DIR", "/nowhere"));
    run(&environment, &["check", "8141333"]).await.code(2).says(&["KEYS_DIR", "no directory"]);
}
