//! `schema`: what the binary publishes is what events and commands are held against.

use crate::run;
use messages::command::schema::all;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A directory of this test; gone with its guard.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("dialogpost-schemas-{}", uuid::Uuid::new_v4())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))).unwrap()
}

/// Every file of a directory of the messages' own tests, with the first part of its name.
fn examples(directory: &str) -> Vec<(String, Value)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/messages/tests").join(directory);
    let paths = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().split('.').next().unwrap().to_owned();
    paths.map(|path| (name(&path), read(&path))).collect()
}

#[tokio::test]
async fn what_is_written_holds_for_every_event_and_command() {
    let scratch = Scratch::new();
    let dir = scratch.0.join("made/if/need/be");
    let named = dir.to_str().unwrap();
    let written = run(&[], &["schema", "--dir", named, "--json"]).await.code(0).json();
    let files: Vec<_> = written["written"].as_array().unwrap().iter().map(|w| w["file"].as_str().unwrap()).collect();
    assert_eq!((files.len(), std::fs::read_dir(&dir).unwrap().count()), (all().len(), all().len()));
    for (name, schema) in files.iter().map(|file| (file, read(Path::new(file)))) {
        assert!(jsonschema::validator_for(&schema).is_ok(), "{name}");
    }
    run(&[], &["schema", "--dir", named]).await.code(0).says(&["Event.schema.json", "StartDialog.schema.json"]);

    let schema = |name: &str| read(&dir.join(format!("{name}.schema.json")));
    let (event, events, commands) = (schema("Event"), examples("golden"), examples("commands"));
    assert!(!events.is_empty() && !commands.is_empty());
    let commands = commands.into_iter().map(|(name, example)| (schema(&name), name, example));
    for (schema, name, example) in events.into_iter().map(|(name, example)| (event.clone(), name, example)).chain(commands) {
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let faults: Vec<_> = validator.iter_errors(&example).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
        assert!(!validator.is_valid(&json!({})), "{name}");
    }
}

#[tokio::test]
async fn schemas_are_listed_and_printed() {
    let listed = run(&[], &["schema"]).await.code(0);
    let names: Vec<_> = all().into_iter().map(|schema| schema.name).collect();
    listed.says(&names.iter().map(String::as_str).collect::<Vec<_>>()).says(&["command", "answer", "event"]);
    let json = run(&[], &["schema", "--json"]).await.code(0).json();
    assert_eq!(json["schemas"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
    for schema in all() {
        let plain = run(&[], &["schema", &schema.name]).await.code(0);
        assert_eq!(plain.json(), schema.schema);
        assert_eq!(plain.out, run(&[], &["schema", &schema.name, "--json"]).await.code(0).out);
    }
    run(&[], &["schema", "startdialog"]).await.code(2).says(&["There is no such schema", "StartDialog, "]);
    run(&[], &["schema", "--dir", "/dev/null/schemas"]).await.code(2).says(&["/dev/null/schemas cannot be written"]);
    run(&[], &["schema", "Event", "--dir", "x"]).await.code(2);
}
