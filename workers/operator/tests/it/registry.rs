//! `registry`, and the certificates of a set-up file.

use crate::{Ran, apply, dialogpost, fixture_with, session};
use messages::HerId;
use serde_json::{Value, json};
use std::path::PathBuf;
use testbed::{World, world};

const CPA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/cpa");

fn fixture(name: &str) -> String {
    format!("{CPA}/{name}")
}

/// A file of a fixture with something else in it; gone with its guard.
struct Changed(PathBuf);

impl Changed {
    fn new(name: &str, from: &str, to: &str) -> Self {
        let text = std::fs::read_to_string(fixture(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        let path = std::env::temp_dir().join(format!("dialogpost-{}-{name}", uuid::Uuid::new_v4()));
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn import(world: &World, files: &[&str]) -> Ran {
    dialogpost(world, &[&["registry", "import", "--actor", "kari"], files].concat()).await
}

#[tokio::test]
async fn both_generations_are_imported_and_a_second_time_change_nothing() {
    let world = world().await;
    let files = [fixture("cpa-v2.xml"), fixture("cpa-v1.xml"), fixture("cpp-v1.xml")];
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    let first = import(&world, &files).await.code(0).says(&[
        "│ new     ┆ cpa  ┆ 7f9c1f6e-3a52-4f0e-9d1b-5c2a8e4d6b10 ┆ 8093244, 8141333 ┆ yes",
        "c0a8e1d2-6b7f-4e3a-8c5d-1f2e3d4c5b6a",
        "│ new     ┆ cpp  ┆ 2b1d4c6e-8f0a-4b3c-9d5e-7f6a8b9c0d1e ┆ 8093244 ",
        "2049-12-31",
        "EKONSULTASJON EKONTAKT RESEPTFORNYELSE TEST TIMER TIMERESERVASJON",
    ]);
    assert!(first.err.is_empty());
    let again = import(&world, &[&files[..], &["--json"]].concat()).await.code(0).json();
    let outcomes: Vec<_> = again["imported"].as_array().unwrap().iter().map(|i| i["outcome"].as_str().unwrap()).collect();
    assert_eq!((outcomes, &again["faulty"]), (vec!["unchanged"; 3], &json!([])));
    assert_eq!(again["imported"][0]["agreement"]["parties"][1]["her_id"], 8_141_333);
    assert_eq!(world.number("select count(*) from dialogpost.agreement").await, 3);
    assert_eq!(world.number("select count(*) from dialogpost.certificate").await, 5, "shared ones are stored once");
    let audited = "select count(*) from dialogpost.audit where action = 'registry-import' and actor = 'kari'";
    assert_eq!(world.number(audited).await, 6);
}

#[tokio::test]
async fn what_was_imported_by_mistake_is_taken_out_and_audited() {
    let world = world().await;
    import(&world, &[&fixture("cpa-v2.xml"), &fixture("cpp-v1.xml")]).await.code(0);
    let id = "7f9c1f6e-3a52-4f0e-9d1b-5c2a8e4d6b10";
    let remove = ["registry", "remove", id, "--reason", "imported by mistake", "--actor", "kari"];
    dialogpost(&world, &remove).await.code(0).says(&[&format!("{id} is removed.")]);
    assert_eq!(world.number("select count(*) from dialogpost.agreement").await, 1);
    let audited = format!(
        "select count(*) from dialogpost.audit where action = 'registry-remove' and actor = 'kari' and subject = '{id}'
         and reason = 'imported by mistake'"
    );
    assert_eq!(world.number(&audited).await, 1);
    dialogpost(&world, &remove).await.code(1).says(&["See dialogpost registry list"]);
    assert_eq!(world.number(&audited).await, 1, "what was not done is not audited");
    dialogpost(&world, &["registry", "remove", "x", "--reason", "y"]).await.code(2).says(&["expected a GUID"]);
}

#[tokio::test]
async fn an_agreement_replaces_that_of_its_id_and_a_profile_that_of_its_party() {
    let world = world().await;
    import(&world, &[&fixture("cpa-v2.xml"), &fixture("cpp-v1.xml")]).await.code(0);
    let proposed = Changed::new("cpa-v2.xml", "tns:value=\"agreed\"", "tns:value=\"proposed\"");
    import(&world, &[proposed.path()]).await.code(0).says(&["│ replaced ┆ cpa", "no: its status is not agreed"]);
    let renamed = Changed::new("cpp-v1.xml", "2b1d4c6e", "3b1d4c6e");
    import(&world, &[renamed.path()]).await.code(0).says(&["│ replaced ┆ cpp", "3b1d4c6e-8f0a-4b3c-9d5e-7f6a8b9c0d1e"]);
    let one_less = Changed::new("cpp-v1.xml", "tns:certId=\"enc\"><ds:KeyInfo>", "tns:certId=\"enc\"><ds:Key>");
    let text = std::fs::read_to_string(&one_less.0).unwrap().replacen("</ds:KeyInfo>", "</ds:Key>", 1);
    std::fs::write(&one_less.0, text).unwrap();
    import(&world, &[one_less.path()]).await.code(0).says(&["│ replaced ┆ cpp"]);
    assert_eq!(world.number("select count(*) from dialogpost.agreement").await, 2);
    let list = dialogpost(&world, &["registry", "list", "--json"]).await.code(0).json();
    let of_kind = |kind: &str| list["agreements"].as_array().unwrap().iter().find(|a| a["kind"] == kind).unwrap().clone();
    assert_eq!((&of_kind("cpa")["in_force"], &of_kind("cpa")["passed_over"]), (&json!(false), &json!("agreement-not-agreed")));
    assert_eq!(of_kind("cpp")["id"], "2b1d4c6e-8f0a-4b3c-9d5e-7f6a8b9c0d1e");
}

#[tokio::test]
async fn a_file_with_faults_is_left_out_whole_and_the_others_are_not() {
    let world = world().await;
    let bad = Changed::new("cpa-v2.xml", "tns:cpaid=\"7f9c", "tns:cpaid=\"xyz");
    let text = std::fs::read_to_string(&bad.0).unwrap();
    std::fs::write(
        &bad.0,
        text.replacen(">8093244</tns:PartyId>", ">x</tns:PartyId>", 1).replacen(
            "<ds:X509Certificate>MI",
            "<ds:X509Certificate>AA",
            1,
        ),
    )
    .unwrap();
    let ran = import(&world, &[bad.path(), &fixture("cpp-v1.xml"), "no-such-file.xml", super::FIXTURE]).await.code(1).says(&[
        "│ new     ┆ cpp",
        "3 files have faults and were not imported:",
        &format!("{}: @cpaid: expected a GUID that is not zero", bad.path()),
        &format!("{}: PartyInfo[1]/PartyId: expected a HER-id", bad.path()),
        &format!("{}: PartyInfo[1]/Certificate[1]: this is no X.509 certificate", bad.path()),
        "no-such-file.xml: it cannot be read: ",
        "clinic.json: there is text outside the root element",
    ]);
    ran.never_says(&["15868549960"]);
    assert_eq!(world.number("select count(*) from dialogpost.agreement").await, 1);
    let json = import(&world, &[bad.path(), "--json"]).await.code(1).json();
    assert_eq!((&json["imported"], json["faulty"][0]["faults"].as_array().unwrap().len()), (&json!([]), 3));
    assert_eq!(json["faulty"][0]["faults"][1]["place"], "PartyInfo[1]/PartyId");
}

#[tokio::test]
async fn list_and_show_say_what_there_is() {
    let world = world().await;
    dialogpost(&world, &["registry", "list"]).await.code(0).says(&["Nothing was imported yet: dialogpost registry import"]);
    dialogpost(&world, &["registry", "show", "8093244"]).await.code(1).says(&["There is no agreement, profile or certificate"]);
    let nothing = uuid::Uuid::from_u128(7).to_string();
    dialogpost(&world, &["registry", "show", &nothing]).await.code(1).says(&["No agreement and no profile has the id"]);
    dialogpost(&world, &["registry", "show", "x"]).await.code(2).says(&["expected a GUID or a HER-id"]);
    import(&world, &[&fixture("cpa-v1.xml"), &fixture("cpa-v2.xml"), &fixture("cpp-v1.xml")]).await.code(0);
    dialogpost(&world, &["registry", "list", "--limit", "2"]).await.code(0).says(&["cpp", "cpa"]);
    let id = "7f9c1f6e-3a52-4f0e-9d1b-5c2a8e4d6b10";
    let shown = dialogpost(&world, &["registry", "show", id]).await.code(0);
    shown.says(&[
        "2024-01-15",
        "8141333 Solbakken legesenter",
        "Innbygger",
        "SvarLedigeTimer",
        "CN=Helsenorge test signering",
        "signing",
    ]);
    let party = dialogpost(&world, &["registry", "show", "8093244"]).await.code(0);
    party.says(&[
        "c0a8e1d2-6b7f",
        "7f9c1f6e-3a52",
        "2b1d4c6e-8f0a",
        "receiver",
        "both",
        "No certificates are published for 8093244",
    ]);
    let json = dialogpost(&world, &["registry", "show", "8141333", "--json"]).await.code(0).json();
    assert_eq!(json["agreements"].as_array().unwrap().len(), 2, "not HelseNorge's profile");
    assert_eq!(json["agreements"][0]["parties"][1]["certificates"][0]["not_after"], "2049-12-31T00:00:00Z");
}

#[tokio::test]
async fn a_set_up_file_publishes_certificates_of_parties() {
    let world = world().await;
    let signing = std::fs::read_to_string(fixture("helsenorge-signing.pem")).unwrap();
    let set = |signing: Value, encryption: Value| {
        fixture_with(&[("/parties/0/signing_certificate", signing), ("/parties/0/encryption_certificate", encryption)])
    };
    let file = json!({ "file": fixture("helsenorge-encryption.pem") });
    apply(&world, &set(json!(signing), file.clone())).await.code(0).says(&["certificates  ┆      2"]);
    let helsenorge: HerId = "8093244".parse().unwrap();
    let published = store::certificate::of_party(&session(&world).await, helsenorge).await.unwrap();
    let mut uses: Vec<_> = published.iter().map(|c| (c.signing, c.encryption)).collect();
    uses.sort_unstable();
    assert_eq!(uses, [(false, true), (true, false)]);
    dialogpost(&world, &["registry", "show", "8093244"]).await.code(0).says(&["Published for 8093244 itself", "encryption"]);
    for (signing, encryption, says) in [
        (json!("15868549960"), Value::Null, "parties[0].signing_certificate: expected a certificate: PEM"),
        (Value::Null, json!(7), "parties[0].encryption_certificate: expected a certificate"),
        (file, Value::Null, "parties[0].signing_certificate: this certificate is not for signing"),
        (Value::Null, json!(signing), "parties[0].encryption_certificate: this certificate is not for encryption"),
        (json!({ "file": "no-such.pem" }), Value::Null, "parties[0].signing_certificate: the file cannot be read"),
    ] {
        let ran = apply(&world, &set(signing, encryption)).await.code(2).says(&[says, "nothing was written"]);
        ran.never_says(&["15868549960"]);
    }
    apply(&world, &set(Value::Null, Value::Null)).await.code(0).says(&["certificates  ┆      0"]);
    assert_eq!(store::certificate::of_party(&session(&world).await, helsenorge).await.unwrap(), []);
}
