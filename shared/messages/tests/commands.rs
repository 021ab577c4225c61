//! Commands as an EPJ sends them: an example of each, held against its published schema and read; and what is wrong with bad ones.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use messages::command::Command;
use messages::command::answer::{Answer, Done, Outcome};
use messages::command::order::{Order, PrescriptionChoice, StartedKind};
use messages::command::refusal::{Refusal, Why};
use messages::command::schema::{Named, Of, all};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use uuid::Uuid;

fn file(directory: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(directory).join(format!("{name}.v1.json"))
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).unwrap()
}

fn example(name: &str) -> Value {
    read(&file("commands", name))
}

fn schemas(of: Of) -> Vec<Named> {
    all().into_iter().filter(|schema| schema.of == of).collect()
}

fn is_valid(schema: &Value, value: &Value) -> bool {
    jsonschema::options().should_validate_formats(true).build(schema).unwrap().is_valid(value)
}

#[test]
fn every_command_has_a_schema_and_an_example_that_fits_it() {
    let schemas = schemas(Of::Command);
    assert_eq!(schemas.iter().map(|schema| schema.name.as_str()).collect::<Vec<_>>(), Order::NAMES);
    for Named { name, schema, about, .. } in &schemas {
        assert!(!about.is_empty(), "{name} is described");
        let example = example(name);
        let faults: Vec<_> = jsonschema::validator_for(schema).unwrap().iter_errors(&example).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
        let command = Command::from_json(&serde_json::to_vec(&example).unwrap()).unwrap();
        assert_eq!(command.order.name(), name);
        assert_eq!(Command::from_json(&command.to_json()), Ok(command), "{name} is written as it is read");
    }
    assert_eq!(std::fs::read_dir(file("commands", "x").parent().unwrap()).unwrap().count(), schemas.len());
}

#[test]
fn every_event_fits_its_schema() {
    let schema = &schemas(Of::Event)[0].schema;
    let kinds: Vec<_> = schema["oneOf"].as_array().unwrap().iter().map(|kind| &kind["properties"]["kind"]["const"]).collect();
    assert_eq!(kinds.len(), std::fs::read_dir(file("golden", "x").parent().unwrap()).unwrap().count());
    for kind in kinds {
        let golden = read(&file("golden", kind.as_str().unwrap()));
        assert!(is_valid(schema, &golden), "{kind}");
        for (field, value) in [("version", json!(2)), ("kind", json!("Unheard")), ("id", json!("x")), ("message", json!(7))] {
            let mut other = golden.clone();
            if other.get(field).is_none() {
                continue;
            }
            other[field] = value;
            assert!(!is_valid(schema, &other), "{kind}: {field}");
        }
    }
}

/// The schema and the reader refuse the same.
#[test]
fn what_is_wrong_is_told_by_field() {
    let table = [
        ("StartDialog", "/command", json!("StopDialog"), "command-unknown", "command"),
        ("StartDialog", "/version", json!(2), "version-unknown", "version"),
        ("StartDialog", "/id", json!("x"), "field-malformed", "id"),
        ("StartDialog", "/clinic", json!(-1), "field-malformed", "clinic"),
        ("StartDialog", "/colour", json!("red"), "field-unknown", "colour"),
        // What may be somebody's number is not repeated.
        ("StartDialog", "/15868549960", json!(1), "field-unknown", "?"),
        ("StartDialog", "/arguments/a.15868549960", json!(1), "field-unknown", "arguments.?"),
        ("StartDialog", "/arguments/attachments/0/15868549960", json!(1), "field-unknown", "arguments.attachments[0].?"),
        ("StartDialog", "/actor", json!("k".repeat(65)), "field-malformed", "actor"),
        ("StartDialog", "/reason", json!("x".repeat(401)), "field-malformed", "reason"),
        ("StartDialog", "/arguments/kind", json!("EPOST"), "field-malformed", "arguments.kind"),
        ("StartDialog", "/arguments/colour", json!(1), "field-unknown", "arguments.colour"),
        ("StartDialog", "/arguments/attachments/0/upload", json!(7), "field-malformed", "arguments.attachments[0].upload"),
        ("ConvertDialog", "/arguments", json!({}), "field-missing", "arguments.dialog"),
        ("StartDialog", "/arguments/attachments/0", json!({}), "field-missing", "arguments.attachments[0].file_name"),
    ];
    let schemas = schemas(Of::Command);
    for (name, pointer, value, code, field) in table {
        let mut bad = example(name);
        put(&mut bad, pointer, value);
        let schema = &schemas.iter().find(|schema| schema.name == name).unwrap().schema;
        assert!(!is_valid(schema, &bad), "{name}{pointer}: the schema would let it pass");
        let unreadable = Command::from_json(&serde_json::to_vec(&bad).unwrap()).unwrap_err();
        let Refusal { code: said, field: at, norwegian, english } = &unreadable.refusal;
        assert_eq!((said.as_str(), at.as_deref()), (code, Some(field)), "{name}{pointer}");
        assert!(norwegian.ends_with('.') && english.ends_with('.'));
        let id: Option<Uuid> = bad["id"].as_str().and_then(|id| id.parse().ok());
        assert_eq!(unreadable.id, id, "whoever can be answered is");
    }
    for body in [&b""[..], b"\xff", b"{", b"[]", b"null"] {
        let refusal = Command::from_json(body).unwrap_err().refusal;
        assert!(["not-json", "field-malformed"].contains(&refusal.code.as_str()), "{refusal:?}");
    }
}

fn put(value: &mut Value, pointer: &str, new: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match value.pointer_mut(parent).unwrap() {
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = new,
        parent => parent[key] = new,
    }
}

/// What somebody wrote does not come back in a refusal that is logged.
#[test]
fn a_refusal_quotes_no_value() {
    let mut bad = example("StartDialog");
    for secret in ["15868549960", "a, expected 15868549960", "`, expected `15868549960"] {
        for pointer in ["/arguments/kind", "/arguments/attachments", "/version", "/id", "/clinic", "/command", "/arguments"] {
            put(&mut bad, pointer, json!(secret));
            let refusal = Command::from_json(&serde_json::to_vec(&bad).unwrap()).unwrap_err().refusal;
            assert!(!format!("{refusal:?}").contains("15868549960"), "{pointer}: {refusal:?}");
            bad = example("StartDialog");
        }
    }
    put(&mut bad, "/arguments/kind", json!("ekontakt"));
    let refusal = Command::from_json(&serde_json::to_vec(&bad).unwrap()).unwrap_err().refusal;
    assert_eq!(refusal.english, "The field is malformed: expected one of `EKONTAKT`, `EKONSULTASJON`, `EDIALOG`.");
}

#[test]
fn a_refusal_says_what_a_time_a_date_and_an_id_look_like() {
    let table = [
        ("BookAppointment", "/arguments/start", "2027-01-12T11:00:00", "med tidssone", "with its offset"),
        ("MoveAppointment", "/arguments/start", "12.01.2027", "med tidssone", "with its offset"),
        ("MoveAppointment", "/arguments/appointment", "12", "en UUID", "a UUID"),
        ("ShowTimebok", "/arguments/from", "12.01.2027", "en dato", "a date"),
        ("StartDialog", "/arguments/kind", "ekontakt", "forventet en av `EKONTAKT`", "expected one of `EKONTAKT`"),
    ];
    for (name, pointer, value, norwegian, english) in table {
        let mut bad = example(name);
        put(&mut bad, pointer, json!(value));
        let refusal = Command::from_json(&serde_json::to_vec(&bad).unwrap()).unwrap_err().refusal;
        assert_eq!(refusal.code, "field-malformed");
        assert!(refusal.norwegian.contains(norwegian) && refusal.english.contains(english), "{refusal:?}");
    }
}

#[test]
fn texts_of_a_command_are_redacted() {
    let command = Command::from_json(&serde_json::to_vec(&example("StartDialog")).unwrap()).unwrap();
    let shown = format!("{command:?}");
    for secret in ["15868549960", "Prøvesvar", "Hei", "provesvar.pdf"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(matches!(command.order, Order::StartDialog(start) if start.kind == StartedKind::EKontakt));
}

fn answer(outcome: Outcome) -> Answer {
    Answer { version: 1, command: Some(Uuid::nil()), at: "2026-11-23T08:00:00Z".parse().unwrap(), outcome }
}

#[test]
fn answers_fit_their_schema() {
    let schema = &schemas(Of::Answer)[0].schema;
    let outcomes = [
        Outcome::Done { result: Done::Written { dialog: Uuid::nil(), entry: Uuid::nil() } },
        Outcome::Done { result: Done::RecipientsSet { nobody: vec!["group:legene".into()] } },
        Outcome::Refused { refusal: Refusal::of("arguments.text", Why::TextTooLong { has: 30_001, limit: 30_000 }) },
    ];
    for outcome in outcomes {
        let value = serde_json::to_value(answer(outcome.clone())).unwrap();
        assert!(is_valid(schema, &value), "{value}");
        assert_eq!(serde_json::from_value::<Answer>(value).unwrap().outcome, outcome);
    }
    let refused = serde_json::to_value(answer(Outcome::Refused { refusal: Refusal::new(Why::DialogUnknown) })).unwrap();
    assert_eq!((&refused["outcome"], &refused["refusal"]["code"]), (&json!("refused"), &json!("dialog-unknown")));
    assert!(!is_valid(schema, &json!({ "version": 1, "at": "x", "outcome": "perhaps" })));
}

#[test]
fn a_refusal_tells_its_reason() {
    let long = Refusal::of("arguments.text", Why::TextTooLong { has: 30_001, limit: 30_000 });
    let read: Refusal = serde_json::from_value(serde_json::to_value(&long).unwrap()).unwrap();
    for refusal in [long, read] {
        assert!(refusal.is(Why::TextTooLong { has: 101, limit: 100 }));
        assert!(!refusal.is(Why::TextEmpty) && !refusal.is(Why::TooMany { limit: 30_000 }));
    }
}

/// Whoever programs against them finds every code in the schema of the answer, and of the event that tells an answer.
#[test]
fn every_code_of_a_refusal_is_published() {
    let reasons = schemars::SchemaGenerator::default().into_root_schema_for::<Why>().to_value();
    assert_eq!(Why::ALL.len(), reasons["oneOf"].as_array().unwrap().len(), "no reason is left out");
    let said: BTreeSet<String> = Why::ALL.iter().map(|why| Refusal::new(*why).code).collect();
    assert_eq!(said.len(), Why::ALL.len(), "no code is used twice");
    for of in [Of::Answer, Of::Event] {
        let schema = schemas(of).remove(0).schema;
        let code = &schema["$defs"]["Refusal"]["properties"]["code"];
        let published: BTreeSet<String> = serde_json::from_value(code["enum"].clone()).unwrap();
        assert_eq!(published, said);
        for one in code["oneOf"].as_array().unwrap() {
            let sentence = one["description"].as_str().unwrap();
            assert!(said.contains(one["const"].as_str().unwrap()) && sentence.ends_with('.'), "{one}");
        }
    }
    let mut answer = serde_json::to_value(answer(Outcome::Refused { refusal: Refusal::new(Why::DialogUnknown) })).unwrap();
    answer["refusal"]["code"] = json!("because");
    assert!(!is_valid(&schemas(Of::Answer)[0].schema, &answer));
}

#[test]
fn choices_are_those_of_code_list_7602() {
    let codes = [
        (PrescriptionChoice::Rejected, "26"),
        (PrescriptionChoice::Renewed, "14"),
        (PrescriptionChoice::CannotBeRenewed, "15"),
        (PrescriptionChoice::PartlyRenewed, "32"),
    ];
    for (choice, code) in codes {
        assert_eq!(choice.code().0, code);
    }
}
