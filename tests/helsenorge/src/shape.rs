//! How the properties of an AMQP 1.0 sender look to those who read over AMQP 0.9.1.

use crate::Trouble;
use broker::amqp10::{PropertiesSection, encode_application_properties, encode_properties};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use messages::transport::Properties;

/// The header that holds the properties section on 3.x, and that every sender should write.
pub(crate) const SECTION: &str = "x-amqp-1.0-properties";
/// The same for application properties.
pub(crate) const APPLICATION_SECTION: &str = "x-amqp-1.0-app-properties";

/// Which generation of RabbitMQ stands between HelseNorge and the clinic. HelseNorge's messages are not persistent in either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// 3.x: both sections in headers, no plain ones, `type` = `binary`.
    #[default]
    Bridge,
    /// 4.x: application properties as plain headers, `subject` and `to` gone.
    Containers,
}

impl Shape {
    /// What the broker would show.
    pub(crate) fn basic_properties(self, p: &Properties) -> Result<BasicProperties, Trouble> {
        let mut headers = FieldTable::default();
        match self {
            Self::Bridge => {
                let unfit = |_| Trouble::Unfit("too many or too long properties");
                insert(&mut headers, SECTION, encode_properties(&section(p)).map_err(unfit)?)?;
                let application = encode_application_properties(&p.application).map_err(unfit)?;
                insert(&mut headers, APPLICATION_SECTION, application)?;
            }
            Self::Containers => {
                for (key, value) in &p.application {
                    insert(&mut headers, key, value.as_bytes().to_vec())?;
                }
            }
        }
        let mut basic = BasicProperties::default().with_headers(headers);
        if self == Self::Bridge {
            basic = basic.with_type(short("binary")?);
        }
        if let Some(text) = &p.message_id {
            basic = basic.with_message_id(short(text)?);
        }
        if let Some(text) = &p.correlation_id {
            basic = basic.with_correlation_id(short(text)?);
        }
        if let Some(text) = &p.reply_to {
            basic = basic.with_reply_to(short(text)?);
        }
        if let Some(text) = &p.content_type {
            basic = basic.with_content_type(short(text)?);
        }
        if let Some(ttl) = p.ttl_ms {
            // Only with a lifetime is there a header section at all, which then says "not durable".
            basic = basic.with_expiration(short(&ttl.to_string())?).with_delivery_mode(1);
        }
        Ok(basic)
    }
}

fn section(p: &Properties) -> PropertiesSection {
    PropertiesSection {
        message_id: p.message_id.clone(),
        to: p.to.clone(),
        subject: p.subject.clone(),
        reply_to: p.reply_to.clone(),
        correlation_id: p.correlation_id.clone(),
        content_type: p.content_type.clone(),
    }
}

fn insert(headers: &mut FieldTable, key: &str, value: Vec<u8>) -> Result<(), Trouble> {
    headers.insert(short(key)?, AMQPValue::LongString(value.into()));
    Ok(())
}

/// At most 255 bytes.
pub(crate) fn short(text: &str) -> Result<ShortString, Trouble> {
    ShortString::try_new(text).map_err(|_| Trouble::Unfit("a name or id longer than 255 bytes"))
}
