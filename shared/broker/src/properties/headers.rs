//! The header table of a delivery, sorted by what each header is.

use super::{APPLICATION_SECTION, SECTION, SUBJECT, TO};
use crate::amqp10::{self, PropertiesSection, text_or_hex, timestamp_text};
use lapin::types::{AMQPValue, FieldTable};
use std::collections::BTreeMap;

/// Above this a timestamp counts milliseconds.
const SECONDS_END: u64 = 100_000_000_000;

#[derive(Default)]
pub(super) struct Headers {
    /// Out of `x-amqp-1.0-properties`.
    pub(super) section: PropertiesSection,
    /// Out of `x-amqp-1.0-app-properties`.
    pub(super) application: BTreeMap<String, String>,
    /// All other headers that are one value.
    pub(super) plain: BTreeMap<String, String>,
    pub(super) subject: Option<String>,
    pub(super) to: Option<String>,
    pub(super) message_id: Option<String>,
    pub(super) correlation_id: Option<String>,
}

impl Headers {
    pub(super) fn read(table: Option<&FieldTable>, deviations: &mut Vec<&'static str>) -> Self {
        let mut headers = Self::default();
        for (key, value) in table.into_iter().flatten() {
            match key.as_str() {
                SECTION => match amqp10::decode_properties(bytes_of(value)) {
                    Ok(section) => headers.section = section,
                    Err(_) => deviations.push("section-undecodable"),
                },
                APPLICATION_SECTION => match amqp10::decode_application_properties(bytes_of(value)) {
                    Ok(entries) => headers.application = entries,
                    Err(_) => deviations.push("section-undecodable"),
                },
                "x-death" => headers.first_death(value),
                SUBJECT => headers.subject = text_of(value),
                TO => headers.to = text_of(value),
                // Where 4.x puts an id that is no short string.
                "x-message-id" => headers.message_id = text_of(value),
                "x-correlation-id" => headers.correlation_id = text_of(value),
                other if other.starts_with("x-amqp-1.0-") => {}
                other => {
                    if let Some(text) = text_of(value) {
                        headers.plain.insert(other.to_owned(), text);
                    }
                }
            }
        }
        headers
    }

    /// Where and why it was dead-lettered first: the oldest entry, which stands last. The broker's own headers of these names win.
    fn first_death(&mut self, deaths: &AMQPValue) {
        let AMQPValue::FieldArray(deaths) = deaths else { return };
        let Some(AMQPValue::FieldTable(oldest)) = deaths.as_slice().last() else { return };
        for (from, to) in [("queue", "x-first-death-queue"), ("reason", "x-first-death-reason")] {
            if let Some(text) = oldest.inner().get(from).and_then(text_of) {
                self.plain.entry(to.to_owned()).or_insert(text);
            }
        }
    }
}

/// Sections arrive as long strings and as byte arrays.
fn bytes_of(value: &AMQPValue) -> &[u8] {
    match value {
        AMQPValue::LongString(text) => text.as_bytes(),
        AMQPValue::ByteArray(bytes) => bytes.as_slice(),
        _ => &[],
    }
}

/// One value as text; `None` for nothing, tables and arrays.
fn text_of(value: &AMQPValue) -> Option<String> {
    Some(match value {
        AMQPValue::LongString(_) | AMQPValue::ByteArray(_) => text_or_hex(bytes_of(value)),
        AMQPValue::ShortString(text) => text.as_str().to_owned(),
        AMQPValue::Boolean(v) => v.to_string(),
        AMQPValue::ShortShortInt(v) => v.to_string(),
        AMQPValue::ShortShortUInt(v) => v.to_string(),
        AMQPValue::ShortInt(v) => v.to_string(),
        AMQPValue::ShortUInt(v) => v.to_string(),
        AMQPValue::LongInt(v) => v.to_string(),
        AMQPValue::LongUInt(v) => v.to_string(),
        AMQPValue::LongLongInt(v) => v.to_string(),
        AMQPValue::Float(v) => v.to_string(),
        AMQPValue::Double(v) => v.to_string(),
        AMQPValue::Timestamp(v) => {
            let milliseconds = if *v > SECONDS_END { *v } else { v.saturating_mul(1000) };
            i64::try_from(milliseconds).map_or_else(|_| v.to_string(), timestamp_text)
        }
        AMQPValue::DecimalValue(_) | AMQPValue::FieldArray(_) | AMQPValue::FieldTable(_) | AMQPValue::Void => return None,
    })
}
