//! What may be edited of a letter: properties, and fields of our own JSON. Never what it is known by, for then it would be another message;
//! never HelseNorge's XML, for then it would not be what its sender signed.

use messages::transport::Properties;
use serde_json::Value;
use std::str::FromStr;

/// Bytes of a value at most.
const LONGEST: usize = 4096;
/// Fields of our JSON by which a message is known.
const IDENTITY: [&str; 9] = ["id", "kind", "command", "version", "message", "dialog", "appointment", "entry", "request"];

/// Properties that every message should have (nhn-messaging 2.2), and one that has not may be given.
const NEEDED: [&str; 3] = ["fromHerId", "toHerId", "applicationTimeStamp"];

/// A change of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A property, by its name; none = taken away.
    Property(String, Option<String>),
    /// A field of the body, by its JSON pointer (RFC 6901).
    Field(String, Value),
}

impl FromStr for Change {
    type Err = String;

    /// `/pointer=value`, `name=value`, or `name=`, which takes it away.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE or /POINTER=VALUE")?;
        if value.len() > LONGEST {
            return Err(format!("{name}: the value is longer than {LONGEST} bytes"));
        }
        match name.strip_prefix('/') {
            Some(_) => {
                let json = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
                Ok(Self::Field(name.to_owned(), json))
            }
            None if name.is_empty() => Err("expected a name before =".to_owned()),
            None => Ok(Self::Property(name.to_owned(), Some(value).filter(|value| !value.is_empty()).map(str::to_owned))),
        }
    }
}

impl Change {
    /// The field, as it is audited.
    pub fn field(&self) -> &str {
        match self {
            Self::Property(name, _) | Self::Field(name, _) => name,
        }
    }
}

/// Why nothing is edited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A message is known by it.
    #[error("{0}: a message is known by it, and would be another")]
    Identity(String),
    /// There is no such property.
    #[error(
        "{0}: no property of this name; expected subject, to, reply_to, content_type, fromHerId, toHerId, applicationTimeStamp, or one that the message has"
    )]
    UnknownProperty(String),
    /// The body has no such field.
    #[error("{0}: the body has no such field")]
    UnknownField(String),
    /// The body is not our own JSON.
    #[error("{0}: the body is not JSON of ours; what a sender signed is not edited")]
    NotJson(String),
    /// Nothing would change.
    #[error("nothing would change")]
    Nothing,
}

/// Applies changes to a letter's properties and body.
///
/// # Errors
/// The first change that may not or cannot be.
pub fn apply(properties: &Properties, body: &[u8], changes: &[Change]) -> Result<(Properties, Vec<u8>), Error> {
    let mut edited = properties.clone();
    let mut json = None;
    for change in changes {
        match change {
            Change::Property(name, value) => set(&mut edited, name, value.clone())?,
            Change::Field(pointer, value) => {
                let top = pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
                if IDENTITY.contains(&top) {
                    return Err(Error::Identity(pointer.clone()));
                }
                let parse = || serde_json::from_slice::<Value>(body).ok().filter(Value::is_object);
                let json = match &mut json {
                    Some(json) => json,
                    none => none.insert(parse().ok_or_else(|| Error::NotJson(pointer.clone()))?),
                };
                *json.pointer_mut(pointer).ok_or_else(|| Error::UnknownField(pointer.clone()))? = value.clone();
            }
        }
    }
    let edited_body = match json {
        Some(json) => json.to_string().into_bytes(),
        None => body.to_vec(),
    };
    if edited == *properties && edited_body == body {
        return Err(Error::Nothing);
    }
    Ok((edited, edited_body))
}

fn set(properties: &mut Properties, name: &str, value: Option<String>) -> Result<(), Error> {
    match name {
        "message_id" | "correlation_id" => return Err(Error::Identity(name.to_owned())),
        _ if name.starts_with("dialogpost-") => return Err(Error::Identity(name.to_owned())),
        "subject" => properties.subject = value,
        "to" => properties.to = value,
        "reply_to" => properties.reply_to = value,
        "content_type" => properties.content_type = value,
        _ => match (properties.application.contains_key(name) || NEEDED.contains(&name), value) {
            (false, _) => return Err(Error::UnknownProperty(name.to_owned())),
            (true, Some(value)) => drop(properties.application.insert(name.to_owned(), value)),
            (true, None) => drop(properties.application.remove(name)),
        },
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties() -> Properties {
        let application = [("toHerId".to_owned(), "8141338".to_owned())].into();
        Properties { message_id: Some("m".into()), subject: Some("X".into()), application, ..Properties::default() }
    }

    fn edited(body: &[u8], changes: &[&str]) -> Result<(Properties, String), Error> {
        let changes: Vec<Change> = changes.iter().map(|text| text.parse().unwrap()).collect();
        apply(&properties(), body, &changes).map(|(p, body)| (p, String::from_utf8(body).unwrap()))
    }

    #[test]
    fn fields_and_properties_change_and_identity_stays() {
        let body = br#"{"id":"1","clinic":8141333,"arguments":{"text":"a"}}"#;
        let (properties, json) = edited(body, &["toHerId=8141339", "subject=", "/arguments/text=b", "/clinic=8141444"]).unwrap();
        assert_eq!((properties.application("toHerId"), properties.subject.as_deref()), (Some("8141339"), None));
        assert_eq!(json, r#"{"arguments":{"text":"b"},"clinic":8141444,"id":"1"}"#);
        assert_eq!(properties.message_id.as_deref(), Some("m"));
        let table = [
            ("message_id=x", Error::Identity("message_id".into())),
            ("dialogpost-attempt=0", Error::Identity("dialogpost-attempt".into())),
            ("/id=2", Error::Identity("/id".into())),
            ("fraHerId=1", Error::UnknownProperty("fraHerId".into())),
            ("/arguments/txt=1", Error::UnknownField("/arguments/txt".into())),
        ];
        for (change, want) in table {
            assert_eq!(edited(body, &[change]), Err(want), "{change}");
        }
        assert_eq!(edited(b"<MsgHead/>", &["/x=1"]), Err(Error::NotJson("/x".into())));
        assert_eq!(edited(b"<MsgHead/>", &["toHerId=1", "fromHerId=2"]).unwrap().1, "<MsgHead/>");
        assert_eq!(edited(b"<MsgHead/>", &["toHerId=8141338"]), Err(Error::Nothing));
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        for text in ["toHerId", "=x", &format!("subject={}", "x".repeat(5000))] {
            assert!(text.parse::<Change>().is_err(), "{text:.20}");
        }
        assert_eq!("/a=x".parse::<Change>().unwrap(), Change::Field("/a".into(), Value::from("x")));
        assert_eq!("/a=7".parse::<Change>().unwrap(), Change::Field("/a".into(), Value::from(7)));
    }
}
