//! Reading a set-up file: every fault by its place, none by its value, for the file holds patients.

use crate::certificate;
use crate::failure::Failure;
use domain::setup::{
    AppointmentTypeSetup, ClinicSetup, EmployeeSetup, HelsenorgeSetup, NotificationsSetup, Party, PatientSetup, Queues,
    RoutingSetup, SetSetup, Setup, SetupFault, SlotSetup, TimebokSetup, shown_key,
};
use messages::person_id::TestSeries;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::{Map, Value};
use std::io::Read;
use std::path::Path;

/// Bytes that a file may have.
pub const LIMIT: u64 = 10 * 1024 * 1024;

/// Reads at most `limit` bytes and one more of a file, or of standard input when it is called `-`; gives the name for people too.
pub fn read(file: &Path, limit: u64) -> (String, std::io::Result<Vec<u8>>) {
    let from_stdin = file.as_os_str() == "-";
    let name = if from_stdin { "standard input".to_owned() } else { file.display().to_string() };
    let mut bytes = Vec::new();
    let read = if from_stdin {
        std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
    };
    (name, read.map(|_| bytes))
}

/// Reads a set-up file.
///
/// # Errors
/// It cannot be read, or is too large.
pub fn load(file: &Path) -> Result<Vec<u8>, Failure> {
    let (name, bytes) = read(file, LIMIT);
    let bytes = bytes.map_err(|error| {
        Failure::Usage(format!("{name} cannot be read: {error}\nGive the path of a set-up file, or - for standard input."))
    })?;
    match bytes.len() as u64 > LIMIT {
        true => Err(Failure::Usage(format!(
            "{name} is larger than {} MiB.\nSplit it: each clinic may have a file of its own.",
            LIMIT >> 20
        ))),
        false => Ok(bytes),
    }
}

/// Parses and checks a file; the paths in it are relative to `folder`.
///
/// # Errors
/// Every fault: first of shape, then, when the shape is right, of content.
pub fn parse(bytes: &[u8], series: &TestSeries, folder: &Path) -> Result<Setup, Vec<SetupFault>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let tree: Value = serde_json::from_slice(bytes).map_err(|error| vec![place_of(&error)])?;
    let mut faults = Vec::new();
    setup_shape(&tree, "", &mut faults);
    no_nul(&tree, "", &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    // Only what the tree cannot show, such as a key given twice, is left to find.
    let mut setup: Setup = serde_json::from_slice(bytes).map_err(|error| vec![place_of(&error)])?;
    let mut faults = domain::setup::check(&mut setup, series);
    faults.extend(certificate::read_all(&mut setup, folder));
    if faults.is_empty() { Ok(setup) } else { Err(faults) }
}

fn place_of(error: &serde_json::Error) -> SetupFault {
    let text = match error.classify() {
        // What the parser says of syntax never quotes the file.
        Category::Syntax | Category::Eof => {
            let text = error.to_string();
            let said = text.rsplit_once(" at line ").map_or(text.as_str(), |(said, _)| said);
            format!("this is no JSON: {said}")
        }
        Category::Data | Category::Io => scrubbed(error),
    };
    SetupFault { field: format!("line {}, column {}", error.line(), error.column()), text }
}

/// What serde says of data without the data: it quotes values, and a value may be a patient's number.
fn scrubbed(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let said = text.rsplit_once(" at line ").map_or(text.as_str(), |(said, _)| said);
    let named = |prefix: &str| said.strip_prefix(prefix).and_then(|rest| rest.strip_suffix('`'));
    if let Some(name) = named("missing field `") {
        return format!("{} is missing", shown_key(name));
    }
    if let Some(name) = named("duplicate field `") {
        return format!("{} is given twice", shown_key(name));
    }
    // What was expected is ours and stands last; what stands before it is quoted.
    match said.rsplit_once(", expected ") {
        Some((before, expected)) if before.starts_with("unknown field") => format!("no such key; expected {expected}"),
        Some((before, expected)) if before.starts_with("unknown variant") => format!("no such choice; expected {expected}"),
        Some((_, expected)) => format!("expected {}", plain(expected)),
        None if said == messages::ids::BadHerId.to_string() => said.to_owned(),
        None => "this does not fit".to_owned(),
    }
}

/// Rust's words for shapes in plain ones.
fn plain(expected: &str) -> &str {
    match expected {
        "i64" | "u64" => "a whole number",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "a map" => "an object",
        text if text.starts_with("struct ") => "an object",
        text => text,
    }
}

type Faults = Vec<SetupFault>;
type Check = fn(&Value, &str, &mut Faults);

fn setup_shape(value: &Value, at: &str, faults: &mut Faults) {
    let parties: Check = |v, at, f| list(v, at, f, party_shape);
    let clinics: Check = |v, at, f| list(v, at, f, clinic_shape);
    object::<Setup>(value, at, faults, &[("parties", parties), ("clinics", clinics)]);
}

fn party_shape(value: &Value, at: &str, faults: &mut Faults) {
    object::<Party>(value, at, faults, &[("queues", queues_shape)]);
}

fn clinic_shape(value: &Value, at: &str, faults: &mut Faults) {
    let sets: Check = |v, at, f| list(v, at, f, |v, at, f| object::<SetSetup>(v, at, f, &[]));
    let employees: Check = |v, at, f| list(v, at, f, |v, at, f| object::<EmployeeSetup>(v, at, f, &[]));
    let patients: Check =
        |v, at, f| list(v, at, f, |v, at, f| object::<PatientSetup>(v, at, f, &[("helsenorge", standing_shape)]));
    let types: Check = |v, at, f| list(v, at, f, |v, at, f| object::<AppointmentTypeSetup>(v, at, f, &[]));
    let timeboker: Check = |v, at, f| list(v, at, f, timebok_shape);
    let parts = [
        ("queues", queues_shape as Check),
        ("employees", employees),
        ("positions", sets),
        ("groups", sets),
        ("roles", sets),
        ("routing", routing_shape),
        ("appointment_types", types),
        ("timeboker", timeboker),
        ("patients", patients),
        ("notifications", notifications_shape),
    ];
    object::<ClinicSetup>(value, at, faults, &parts);
}

fn timebok_shape(value: &Value, at: &str, faults: &mut Faults) {
    let slots: Check = |v, at, f| list(v, at, f, |v, at, f| object::<SlotSetup>(v, at, f, &[]));
    object::<TimebokSetup>(value, at, faults, &[("slots", slots)]);
}

fn standing_shape(value: &Value, at: &str, faults: &mut Faults) {
    if value.is_object() {
        object::<HelsenorgeSetup>(value, at, faults, &[]);
    }
}

fn notifications_shape(value: &Value, at: &str, faults: &mut Faults) {
    if value.is_object() {
        object::<NotificationsSetup>(value, at, faults, &[]);
    }
}

fn queues_shape(value: &Value, at: &str, faults: &mut Faults) {
    if value.is_object() {
        object::<Queues>(value, at, faults, &[]);
    }
}

fn routing_shape(value: &Value, at: &str, faults: &mut Faults) {
    for (kind, rule) in value.as_object().into_iter().flatten() {
        object::<RoutingSetup>(rule, &join(at, kind), faults, &[]);
    }
}

fn list(value: &Value, at: &str, faults: &mut Faults, each: Check) {
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        each(item, &format!("{at}[{n}]"), faults);
    }
}

/// Checks an object key by key, so that every wrong key is named and not only the first; `parts` are checked more deeply.
fn object<T: DeserializeOwned>(value: &Value, at: &str, faults: &mut Faults, parts: &[(&str, Check)]) {
    let Value::Object(keys) = value else {
        faults.push(SetupFault { field: or_file(at), text: "expected an object".into() });
        return;
    };
    let mut sound = Map::new();
    let before = faults.len();
    for (key, value) in keys {
        let path = join(at, key);
        let found = faults.len();
        if let Some((_, check)) = parts.iter().find(|(name, _)| name == key) {
            check(value, &path, faults);
        }
        let alone = Map::from_iter([(key.clone(), value.clone())]);
        let error = serde_json::from_value::<T>(Value::Object(alone)).err();
        match error.filter(|error| !error.to_string().starts_with("missing field")) {
            Some(error) if faults.len() == found => faults.push(SetupFault { field: path, text: scrubbed(&error) }),
            Some(_) => {}
            None => drop(sound.insert(key.clone(), value.clone())),
        }
    }
    match serde_json::from_value::<T>(Value::Object(sound)) {
        // A key that is there but wrong has been named already.
        Err(error) if faults.len() == before => faults.push(SetupFault { field: or_file(at), text: scrubbed(&error) }),
        _ => {}
    }
}

/// Postgres cannot hold the character NUL, which JSON can.
fn no_nul(value: &Value, at: &str, faults: &mut Faults) {
    match value {
        Value::String(text) if text.contains('\0') => {
            faults.push(SetupFault { field: or_file(at), text: "the character NUL cannot be stored".into() });
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| no_nul(item, &format!("{at}[{n}]"), faults)),
        Value::Object(keys) => keys.iter().for_each(|(key, value)| no_nul(value, &join(at, key), faults)),
        _ => {}
    }
}

fn join(at: &str, key: &str) -> String {
    let key = shown_key(key);
    if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") }
}

fn or_file(at: &str) -> String {
    if at.is_empty() { "the file".to_owned() } else { at.to_owned() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn faults(json: &str) -> Vec<(String, String)> {
        let faults = parse(json.as_bytes(), &TestSeries::NONE, Path::new(".")).unwrap_err();
        faults.into_iter().map(|f| (f.field, f.text)).collect()
    }

    fn one(json: &str) -> (String, String) {
        let faults = faults(json);
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults.into_iter().next().unwrap()
    }

    #[test]
    fn syntax_is_placed_by_line_and_column() {
        let (field, text) = one("{\n  \"parties\": [,]\n}");
        assert_eq!(field, "line 2, column 15");
        assert!(text.starts_with("this is no JSON: expected"), "{text}");
        assert_eq!(one("").0, "line 1, column 0");
        assert_eq!(one("[]"), ("the file".into(), "expected an object".into()));
    }

    #[test]
    fn shape_is_placed_by_its_path_and_every_fault_is_listed() {
        let json = r#"{"parties": [{"her_id": "x", "name": 7, "queues": {"async": 1, "sync": "s", "error": "e"}}, {"name": "n"}],
            "clinics": [{"name": "c", "her_id": -1, "employees": 5, "routing": {"EKONTAKT": {"mode": 1}}, "15868549960": 1}]}"#;
        let fields: Vec<_> = faults(json).into_iter().map(|(field, _)| field).collect();
        assert_eq!(
            fields,
            [
                "clinics[0].?",
                "clinics[0].employees",
                "clinics[0].her_id",
                "clinics[0].routing.EKONTAKT.mode",
                "parties[0].her_id",
                "parties[0].name",
                "parties[0].queues.async",
                "parties[1]"
            ]
        );
    }

    #[test]
    fn values_are_never_quoted() {
        for value in
            [r#""15868549960""#, r#""15868549960, expected 15868549960""#, "15868549960", r#"{"15868549960": "15868549960"}"#]
        {
            for json in [
                format!(r#"{{"parties": [{{"her_id": {value}}}]}}"#),
                format!(r#"{{"clinics": [{{"her_id": 1, "name": "n", "patients": {value}}}]}}"#),
                format!(r#"{{"clinics": [{{"her_id": 1, "name": "n", "patients": [{value}]}}]}}"#),
                format!(
                    r#"{{"clinics": [{{"her_id": 1, "name": "n", "routing": {{"EKONTAKT": {{"mode": "fast", "recipients": [{value}]}}}}}}]}}"#
                ),
                format!(r#"{{"clinics": [{{"her_id": 1, "name": "n", "nhn_member": {value}}}]}}"#),
            ] {
                let said = format!("{:?}", faults(&json));
                assert!(!said.contains("15868549960"), "{json}\n{said}");
            }
        }
    }

    #[test]
    fn faults_of_notices_name_their_place() {
        let clinic = |notifications: &str, patient: &str| {
            format!(
                r#"{{"clinics": [{{"her_id": 1, "name": "n", "notifications": {notifications}, "patients": [
                    {{"nin": "01010112377", "family_name": "F", "given_name": "G", {patient}}}]}}]}}"#
            )
        };
        let good = r#"{"enabled": false}"#;
        for (notifications, patient, place) in [
            (r#"{"enabled": true}"#, r#""push": null"#, "notifications.channels"),
            (r#"{"enabled": true, "channels": ["sms", "sms"]}"#, r#""push": null"#, "notifications.channels[1]"),
            (r#"{"enabled": true, "channels": ["hemmelig"]}"#, r#""push": null"#, "notifications.channels"),
            (r#"{"enabled": true, "channels": ["sms"], "language": "hemmelig"}"#, r#""push": null"#, "notifications.language"),
            (r#"{"channels": ["sms"]}"#, r#""push": null"#, "notifications"),
            (r#"{"enabled": true, "hemmelig": 1}"#, r#""push": null"#, "notifications.hemmelig"),
            (good, r#""phone": "99900001""#, "patients[0].phone"),
            (good, r#""email": "hemmelig""#, "patients[0].email"),
            (good, r#""push": "hem melig""#, "patients[0].push"),
            (good, r#""language": "hemmelig""#, "patients[0].language"),
        ] {
            let found = faults(&clinic(notifications, patient));
            let named: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
            assert!(named.contains(&format!("clinics[0].{place}").as_str()), "{place}: {named:?}");
            assert!(!found.iter().any(|(_, text)| text.contains("hemmelig") || text.contains("99900001")), "{found:?}");
        }
    }

    #[test]
    fn a_key_given_twice_and_a_nul_are_faults() {
        let (field, text) = one("{\"clinics\": [],\n \"clinics\": []}");
        assert!(field.starts_with("line 2") && text == "clinics is given twice", "{field} {text}");
        assert_eq!(one(r#"{"clinics": [{"her_id": 1, "name": "a\u0000"}]}"#).0, "clinics[0].name");
    }

    #[test]
    fn a_byte_order_mark_does_no_harm() {
        assert!(parse(b"\xef\xbb\xbf{}", &TestSeries::NONE, Path::new(".")).is_ok());
    }
}
