//! What the properties around a message must hold, before its content is looked at (nhn-messaging 2, 3.1–3.3).

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use messages::transport::Properties;
use messages::{Fault, HerId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Which of a party's queues a message came in on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// Dialogs and receipts.
    Async,
    /// Requests whose sender waits.
    Sync,
    /// Replies that we wait for.
    SyncReply,
    /// Notices that a message of ours could not be processed; never answered.
    Error,
}

/// How the body is packed (nhn-messaging 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Readable XML.
    Plain,
    /// A SOAP fault.
    Soap,
    /// Anything else is protected.
    Protected,
}

impl Packing {
    /// Decides by the media type alone: parameters, case, quotes and white space are ignored.
    pub fn of(content_type: &str) -> Self {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        let is = |t: &str| media_type.eq_ignore_ascii_case(t);
        if is("text/plain") || is("text/xml") || is("application/xml") {
            Self::Plain
        } else if is("application/soap+xml") {
            Self::Soap
        } else {
            Self::Protected
        }
    }
}

/// Why a text names no queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a queue's name has 1 to 255 bytes")]
pub struct BadQueueAddress;

/// The queue of a registry address `host/namespace/queue`: what follows the last `/`; a bare name is an address too (nhn-messaging 1.2).
///
/// # Errors
/// Nothing is left, or more than AMQP 0.9.1 carries.
pub fn queue_of(address: &str) -> Result<String, BadQueueAddress> {
    named(address.rsplit('/').next().unwrap_or_default().trim().to_owned())
}

/// The queue of a `reply-to`, in every form that brokers and senders give it (nhn-messaging 4.3): as a registry address, as an AMQP 1.0
/// address of version 1 (`/queue/…`, `/amq/queue/…`, `/exchange/{ns}/…`), or of version 2 (`/queues/…`, `/exchanges/{ns}/…`), which
/// alone is percent-encoded.
///
/// # Errors
/// Nothing is left, more than AMQP 0.9.1 carries, or no valid percent-encoding of UTF-8.
pub fn reply_queue(reply_to: &str) -> Result<String, BadQueueAddress> {
    let reply_to = reply_to.trim();
    let encoded = ["/queues/", "/exchanges/"].iter().any(|prefix| reply_to.starts_with(prefix));
    let queue = queue_of(reply_to)?;
    if !encoded {
        return Ok(queue);
    }
    // The decoder leaves alone what is no escape.
    let is_hex = |rest: &str| rest.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    if !queue.split('%').skip(1).all(is_hex) {
        return Err(BadQueueAddress);
    }
    named(percent_encoding::percent_decode_str(&queue).decode_utf8().map_err(|_| BadQueueAddress)?.into_owned())
}

fn named(queue: String) -> Result<String, BadQueueAddress> {
    let good = (1..=255).contains(&queue.len()) && !queue.chars().any(char::is_control);
    if good { Ok(queue) } else { Err(BadQueueAddress) }
}

/// Whether a text from outside can be a code: a message function, an error code or condition. Anything else may be what somebody wrote,
/// and is neither shown nor sent back.
pub fn is_code(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    (1..=64).contains(&text.len()) && text.chars().all(fits) && !may_hold_identity_number(text)
}

/// Whether eleven digits in a row stand in a text, hyphens, dots and spaces between them or not; a UUID does not count.
pub fn may_hold_identity_number(text: &str) -> bool {
    let run = |rest: &str| rest.chars().filter(|c| !matches!(c, '-' | '.' | ' ')).take_while(char::is_ascii_digit).count();
    let found = || text.char_indices().any(|(at, _)| text.get(at..).is_some_and(|rest| run(rest) >= 11));
    uuid::Uuid::try_parse(text.trim()).is_err() && found()
}

/// An error message to the sender (nhn-messaging 2.5, 3.3): the transport failed, not the content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorMessage {
    /// `errorCondition`.
    pub condition: Cow<'static, str>,
    /// `errorDescription`, never empty, never content.
    pub description: Cow<'static, str>,
    /// `errorConditionData`: items each followed by `;`, when the condition has any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub data: Option<String>,
}

impl ErrorMessage {
    /// Without condition data.
    pub fn new(condition: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self { condition: condition.into(), description: description.into(), data: None }
    }

    /// With condition data.
    pub fn with_data(condition: &'static str, description: impl Into<Cow<'static, str>>, items: &[&str]) -> Self {
        let data = items.iter().flat_map(|item| [*item, ";"]).collect();
        Self { data: Some(data), ..Self::new(condition, description) }
    }
}

/// `errorCondition`: a property is missing or wrong.
pub const INVALID_FIELD: &str = "transport:invalid-field-value";
/// `errorCondition`: the payload is not the XML it should be.
pub const NOT_WELL_FORMED: &str = "transport:not-well-formed-xml";
/// `errorCondition`: nothing we handle.
pub const UNSUPPORTED: &str = "transport:unsupported-message";
/// `errorCondition`: the payload names another sender than the transport.
pub const SPOOFING: &str = "abuse:spoofing-attack";

/// The properties of a message that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Level-2 HER-id of the sender.
    pub from: HerId,
    /// Level-2 HER-id of the receiver.
    pub to: HerId,
}

/// Why a message stops at its properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderFault {
    /// Nowhere to send an answer: a dead letter.
    NoSender(Fault),
    /// The sender is told.
    Refused(ErrorMessage),
}

/// The sender's HER-id, or the fault that leaves nobody to answer (conformance 13, 17).
///
/// # Errors
/// `from-her-id-missing`, `from-her-id-not-numeric`.
pub fn sender(properties: &Properties) -> Result<HerId, Fault> {
    match properties.application("fromHerId").map(str::trim) {
        None | Some("" | "0") => Err(Fault::broken("from-her-id-missing", "property fromHerId is missing: nobody to answer")),
        Some(text) => text
            .parse()
            .map_err(|_| Fault::broken("from-her-id-not-numeric", "property fromHerId is no HER-id: nobody to answer")),
    }
}

/// Checks the required properties in the library's order: `toHerId`, `fromHerId`, `Label`, `applicationTimeStamp`, `ContentType`.
///
/// `function` is the message function after every fall-back (nhn-messaging 7.5).
///
/// # Errors
/// See [`HeaderFault`].
pub fn check_header(properties: &Properties, function: Option<&str>) -> Result<Header, HeaderFault> {
    let from = sender(properties).map_err(HeaderFault::NoSender)?;
    let to = properties.application("toHerId").map(str::trim).filter(|t| !t.is_empty() && *t != "0");
    let present = [
        ("toHerId", to.is_some()),
        ("Label", function.is_some_and(|f| !f.trim().is_empty())),
        ("applicationTimeStamp", properties.application("applicationTimeStamp").is_some_and(|t| time_stamp(t).is_some())),
        ("ContentType", properties.content_type.as_deref().is_some_and(|t| !t.trim().is_empty())),
    ];
    let missing: Vec<_> = present.into_iter().filter(|(_, there)| !there).map(|(name, _)| name).collect();
    if !missing.is_empty() {
        let error = ErrorMessage::with_data(INVALID_FIELD, "One or more fields are missing", &missing);
        return Err(HeaderFault::Refused(error));
    }
    let to = to.and_then(|t| t.parse().ok()).ok_or_else(|| {
        HeaderFault::Refused(ErrorMessage::with_data(INVALID_FIELD, "Invalid value in field: 'toHerId'", &["toHerId"]))
    })?;
    Ok(Header { from, to })
}

/// `applicationTimeStamp`: ISO 8601 with or without zone, or a date with a time as .NET writes it; UTC unless it says otherwise.
/// Unparsable counts as missing.
pub fn time_stamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let civil = || text.parse::<DateTime>().or_else(|_| DateTime::strptime("%m/%d/%Y %H:%M:%S", text)).ok();
    text.parse().ok().or_else(|| civil()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(without: &[&str]) -> Properties {
        let mut p = Properties { content_type: Some("text/plain".into()), ..Properties::default() };
        for (key, value) in [("fromHerId", "8093244"), ("toHerId", "8141333"), ("applicationTimeStamp", "2026-07-02T12:31:17Z")] {
            p.application.insert(key.into(), value.into());
        }
        for key in without {
            p.application.remove(*key);
        }
        if without.contains(&"ContentType") {
            p.content_type = None;
        }
        p
    }

    fn data(p: &Properties, function: Option<&str>) -> Option<String> {
        match check_header(p, function) {
            Err(HeaderFault::Refused(e)) => e.data,
            _ => None,
        }
    }

    #[test]
    fn conformance_12_to_17() {
        let f = Some("DIALOG_INNBYGGER_EKONTAKT");
        assert!(check_header(&properties(&[]), f).is_ok());
        assert_eq!(data(&properties(&["toHerId"]), None).unwrap(), "toHerId;Label;");
        assert!(
            matches!(check_header(&properties(&["fromHerId"]), f), Err(HeaderFault::NoSender(e)) if e.code == "from-her-id-missing")
        );
        let mut p = properties(&[]);
        p.application.insert("applicationTimeStamp".into(), "i går".into());
        assert_eq!(data(&p, f).unwrap(), "applicationTimeStamp;");
        assert_eq!(data(&properties(&["ContentType"]), f).unwrap(), "ContentType;");
        let all = properties(&["toHerId", "applicationTimeStamp", "ContentType"]);
        assert_eq!(data(&all, None).unwrap(), "toHerId;Label;applicationTimeStamp;ContentType;");
        let mut p = properties(&[]);
        p.application.insert("fromHerId".into(), "abc".into());
        assert!(matches!(check_header(&p, f), Err(HeaderFault::NoSender(e)) if e.code == "from-her-id-not-numeric"));
        let mut p = properties(&[]);
        p.application.insert("toHerId".into(), "abc".into());
        assert_eq!(data(&p, f).unwrap(), "toHerId;");
    }

    #[test]
    fn conformance_43_queues_of_registry_addresses() {
        for (address, want) in [
            ("8141333_async", Some("8141333_async")),
            ("sb.test.nhn.no/DigitalDialog/91468_async", Some("91468_async")),
            ("tb.test.nhn.no/NHNTESTServiceBus/8141703_async ", Some("8141703_async")),
            ("host/ns/a%2Fb", Some("a%2Fb")),
            ("", None),
            (" ", None),
            ("host/ns/", None),
            ("a\nb", None),
            (&"q".repeat(255), Some(&*"q".repeat(255))),
            (&"q".repeat(256), None),
        ] {
            assert_eq!(queue_of(address).ok().as_deref(), want, "{address}");
        }
    }

    #[test]
    fn conformance_10_queues_of_reply_to() {
        for (reply_to, want) in [
            ("93252_syncreply", Some("93252_syncreply")),
            ("sb.test.nhn.no/NHNTESTServiceBus/93252_syncreply", Some("93252_syncreply")),
            ("/queue/93252_syncreply", Some("93252_syncreply")),
            ("/amq/queue/93252_syncreply", Some("93252_syncreply")),
            ("/exchange/NHNTESTServiceBus/93252_syncreply", Some("93252_syncreply")),
            ("/queues/93252_syncreply", Some("93252_syncreply")),
            ("/queues/93252%5Fsyncreply", Some("93252_syncreply")),
            ("/exchanges/NHN%20TEST/93252%2Fsyncreply", Some("93252/syncreply")),
            ("/queues/bl%C3%A5", Some("blå")),
            (" /queues/a%2fb ", Some("a/b")),
            ("/queue/a%2Fb", Some("a%2Fb")),
            ("/exchange/ns/a%2Fb", Some("a%2Fb")),
            ("/amq/queue/a%2Fb", Some("a%2Fb")),
            ("host/queues/a%2Fb", Some("a%2Fb")),
            ("", None),
            ("/", None),
            ("/queues/", None),
            ("/exchanges/ns/", None),
            ("/queues/a%", None),
            ("/queues/a%2", None),
            ("/queues/a%zz", None),
            ("/queues/%å1", None),
            ("/queues/%00", None),
            ("/queues/%C3", None),
        ] {
            assert_eq!(reply_queue(reply_to).ok().as_deref(), want, "{reply_to}");
        }
    }

    #[test]
    fn codes() {
        for code in [
            "DIALOG_INNBYGGER_EKONTAKT",
            "transport:not-well-formed-xml",
            "E31",
            "01980000-0000-7000-8000-000000000002",
            "8141333",
        ] {
            assert!(is_code(code), "{code}");
        }
        for text in ["", "Line Danser", "15868549960", "158685-49960", "T.15868549960", "158685.49960", &"a".repeat(65), "blå"] {
            assert!(!is_code(text), "{text}");
        }
        assert!(may_hold_identity_number("nr 158685 49960") && !may_hold_identity_number("2026-07-02T12:31:17Z"));
    }

    #[test]
    fn time_stamps() {
        for ok in [
            "2026-07-02T12:31:17Z",
            "2026-07-02T12:31:17+02:00",
            "2026-07-02T12:31:17",
            "2026-07-02 12:31:17",
            "07/02/2026 12:31:17",
        ] {
            assert!(time_stamp(ok).is_some(), "{ok}");
        }
        for bad in ["", "2026", "i går", "2026-13-02T12:31:17Z"] {
            assert!(time_stamp(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn conformance_18_packing() {
        for plain in ["text/plain", "TEXT/Plain; charset=utf-8", "application/xml", " text/xml"] {
            assert_eq!(Packing::of(plain), Packing::Plain, "{plain}");
        }
        for protected in [
            "application/pkcs7-mime; smime-type=signed-and-enveloped-data",
            "Application/PKCS7-mime;smimetype=enveloped-data",
            "",
        ] {
            assert_eq!(Packing::of(protected), Packing::Protected, "{protected}");
        }
        assert_eq!(Packing::of("application/soap+xml"), Packing::Soap);
    }
}
