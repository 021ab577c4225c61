//! The bytes of AMQP 1.0 values.

use super::SectionError;
use jiff::Timestamp;

/// Described values inside each other; real senders use one.
const MAX_DEPTH: u8 = 4;

const SYMBOLIC_DESCRIPTORS: [(&str, u64); 6] = [
    ("amqp:properties:list", super::PROPERTIES),
    ("amqp:application-properties:map", super::APPLICATION_PROPERTIES),
    ("amqp:data:binary", super::DATA),
    ("amqp:amqp-value:*", super::VALUE),
    ("amqp:footer:map", super::FOOTER),
    ("amqp:amqp-sequence:list", 0x76),
];

/// One value. Compound ones keep their bytes and are read no further unless asked for.
pub(super) enum Value<'a> {
    Null,
    /// string or symbol
    Text(&'a str),
    Binary(&'a [u8]),
    /// Any other scalar, as text.
    Scalar(String),
    List(Reader<'a>),
    Map(Reader<'a>),
    /// Arrays, decimals: skipped.
    Other,
}

impl Value<'_> {
    /// As text; `None` for null and compound values.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Value::Text(text) => Some(text.to_owned()),
            Value::Binary(bytes) => Some(text_or_hex(bytes)),
            Value::Scalar(text) => Some(text),
            Value::Null | Value::List(_) | Value::Map(_) | Value::Other => None,
        }
    }
}

/// UTF-8 as it is, anything else in lower-case hexadecimal.
pub(crate) fn text_or_hex(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => hex(bytes),
    }
}

/// Milliseconds since 1970 in the form of `applicationTimeStamp`; the number itself when it is no time.
pub(crate) fn timestamp_text(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).map_or_else(|_| milliseconds.to_string(), |t| t.to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn uuid_text(bytes: &[u8]) -> String {
    let mut text = hex(bytes);
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    text
}

/// A cursor over encoded values.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    count: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, count: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Elements left, of a list or map.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Takes one off the count, as long as there is one.
    pub(super) fn count_down(&mut self) -> bool {
        let more = self.count > 0;
        self.count = self.count.saturating_sub(1);
        more
    }

    /// The descriptor in front of a section, numeric or symbolic.
    pub(super) fn descriptor(&mut self) -> Result<u64, SectionError> {
        if self.byte()? != 0x00 {
            return Err(SectionError::Unsupported);
        }
        match self.byte()? {
            0x44 => Ok(0),
            0x53 => self.byte().map(u64::from),
            0x80 => self.array().map(u64::from_be_bytes),
            code @ (0xa3 | 0xb3) => {
                let name = self.sized(code)?;
                let known = SYMBOLIC_DESCRIPTORS.iter().find(|(symbol, _)| symbol.as_bytes() == name);
                known.map(|(_, number)| *number).ok_or(SectionError::Unsupported)
            }
            _ => Err(SectionError::Unsupported),
        }
    }

    /// The next value.
    pub(super) fn value(&mut self) -> Result<Value<'a>, SectionError> {
        self.nested(0)
    }

    fn nested(&mut self, depth: u8) -> Result<Value<'a>, SectionError> {
        if depth > MAX_DEPTH {
            return Err(SectionError::TooDeep);
        }
        match self.byte()? {
            0x00 => {
                self.nested(depth + 1)?;
                self.nested(depth + 1)
            }
            0x40 => Ok(Value::Null),
            0x45 => Ok(Value::List(Reader::new(&[]))),
            code @ (0xa0 | 0xb0) => self.sized(code).map(Value::Binary),
            code @ (0xa1 | 0xa3 | 0xb1 | 0xb3) => {
                let bytes = self.sized(code)?;
                std::str::from_utf8(bytes).map(Value::Text).map_err(|_| SectionError::Unsupported)
            }
            code @ (0xc0 | 0xd0) => self.compound(code).map(Value::List),
            code @ (0xc1 | 0xd1) => self.compound(code).map(Value::Map),
            code @ (0xe0 | 0xf0) => self.sized(code).map(|_| Value::Other),
            0x74 => self.array::<4>().map(|_| Value::Other),
            0x84 => self.array::<8>().map(|_| Value::Other),
            0x94 => self.array::<16>().map(|_| Value::Other),
            code => self.scalar(code).map(Value::Scalar),
        }
    }

    fn scalar(&mut self, code: u8) -> Result<String, SectionError> {
        Ok(match code {
            0x41 => "true".to_owned(),
            0x42 => "false".to_owned(),
            0x43 | 0x44 => "0".to_owned(),
            0x50 | 0x52 | 0x53 => self.byte()?.to_string(),
            0x51 | 0x54 | 0x55 => i8::from_be_bytes(self.array()?).to_string(),
            0x56 => (self.byte()? != 0).to_string(),
            0x60 => u16::from_be_bytes(self.array()?).to_string(),
            0x61 => i16::from_be_bytes(self.array()?).to_string(),
            0x70 => u32::from_be_bytes(self.array()?).to_string(),
            0x71 => i32::from_be_bytes(self.array()?).to_string(),
            0x72 => f32::from_be_bytes(self.array()?).to_string(),
            0x73 => char::from_u32(u32::from_be_bytes(self.array()?)).ok_or(SectionError::Unsupported)?.to_string(),
            0x80 => u64::from_be_bytes(self.array()?).to_string(),
            0x81 => i64::from_be_bytes(self.array()?).to_string(),
            0x82 => f64::from_be_bytes(self.array()?).to_string(),
            0x83 => timestamp_text(i64::from_be_bytes(self.array()?)),
            0x98 => uuid_text(&self.array::<16>()?),
            _ => return Err(SectionError::Unsupported),
        })
    }

    fn compound(&mut self, code: u8) -> Result<Reader<'a>, SectionError> {
        let mut inner = Reader::new(self.sized(code)?);
        let count = inner.length(code)?;
        // Every element takes a byte at least: a count beyond that is a lie.
        if count > inner.bytes.len() {
            return Err(SectionError::Truncated);
        }
        inner.count = count;
        Ok(inner)
    }

    fn sized(&mut self, code: u8) -> Result<&'a [u8], SectionError> {
        let length = self.length(code)?;
        let (head, tail) = self.bytes.split_at_checked(length).ok_or(SectionError::Truncated)?;
        self.bytes = tail;
        Ok(head)
    }

    /// A length or count: one byte for codes 0xa_, 0xc_ and 0xe_, four for 0xb_, 0xd_ and 0xf_.
    fn length(&mut self, code: u8) -> Result<usize, SectionError> {
        if code & 0x10 == 0 {
            return self.byte().map(usize::from);
        }
        usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| SectionError::TooLarge)
    }

    fn byte(&mut self) -> Result<u8, SectionError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SectionError> {
        let (head, tail) = self.bytes.split_first_chunk::<N>().ok_or(SectionError::Truncated)?;
        self.bytes = tail;
        Ok(*head)
    }
}
