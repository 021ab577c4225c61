//! A look over a BER structure before anything is allocated for it (X.690, section 8).

use crate::fault::OpenFault;
use crate::policy::Limits;

/// Values a small structure may have whatever its size; beyond it, one for every [`BYTES_PER_VALUE`].
const FREE_VALUES: usize = 4096;

/// A parsed value costs its parser some 100 bytes, so memory stays within a small multiple of the message. Streaming
/// writers cut content into pieces of 1000 bytes and more.
const BYTES_PER_VALUE: usize = 128;

/// The one structure that `input` consists of, without the zero bytes that may follow it.
///
/// # Errors
/// `TooLarge`; `Malformed` for lengths that do not fit each other, too many levels or values, and anything but zeros at the
/// end.
pub(crate) fn trimmed<'a>(input: &'a [u8], limits: &Limits) -> Result<&'a [u8], OpenFault> {
    if input.len() > limits.max_bytes {
        return Err(OpenFault::TooLarge { limit: limits.max_bytes });
    }
    let length = extent(input, limits.max_depth).ok_or(OpenFault::Malformed)?;
    let (structure, rest) = input.split_at_checked(length).ok_or(OpenFault::Malformed)?;
    if rest.iter().any(|byte| *byte != 0) {
        return Err(OpenFault::Malformed);
    }
    Ok(structure)
}

/// An open constructed value.
struct Open {
    /// Where its content must end at the latest.
    bound: usize,
    /// It ends with two zero bytes instead of at `bound`.
    indefinite: bool,
}

/// Length of the first value of `input`, which must be constructed; `None` when it is broken or exceeds a limit.
fn extent(input: &[u8], max_depth: usize) -> Option<usize> {
    let mut values = FREE_VALUES + input.len() / BYTES_PER_VALUE;
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    loop {
        let bound = open.last().map_or(input.len(), |o| o.bound);
        let header = Header::read(input.get(at..bound)?)?;
        at += header.length;
        if header.is_end() {
            // Ends what it stands in, which must wait for it.
            open.pop().filter(|o| o.indefinite)?;
        } else {
            values = values.checked_sub(1)?;
            let end = match header.content {
                Some(length) => at.checked_add(length).filter(|end| *end <= bound)?,
                None => bound,
            };
            if header.constructed {
                open.push(Open { bound: end, indefinite: header.content.is_none() });
            } else {
                at = end;
            }
        }
        while open.last().is_some_and(|o| !o.indefinite && o.bound == at) {
            open.pop();
        }
        if open.is_empty() {
            return Some(at);
        }
        if open.len() > max_depth {
            return None;
        }
    }
}

struct Header {
    /// Bytes of tag and length.
    length: usize,
    constructed: bool,
    /// Bytes of content; `None` when it ends with two zero bytes.
    content: Option<usize>,
    tag: u8,
}

impl Header {
    fn read(input: &[u8]) -> Option<Self> {
        let (&tag, mut rest) = input.split_first()?;
        if tag & 0x1f == 0x1f {
            // Tag numbers from 31 up: CMS has none, a foreign attribute may.
            let more = rest.iter().take(4).position(|byte| byte & 0x80 == 0)?;
            rest = rest.get(more + 1..)?;
        }
        let (&first, mut rest) = rest.split_first()?;
        let constructed = tag & 0x20 != 0;
        let content = match first {
            0x80 if constructed => None,
            0x00..=0x7f => Some(usize::from(first)),
            0x81..=0x88 => {
                let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
                rest = after;
                Some(digits.iter().try_fold(0_usize, |sum, d| sum.checked_mul(256)?.checked_add(usize::from(*d)))?)
            }
            _ => return None,
        };
        Some(Self { length: input.len() - rest.len(), constructed, content, tag })
    }

    fn is_end(&self) -> bool {
        self.tag == 0 && self.content == Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(input: &[u8]) -> Option<usize> {
        super::extent(input, 4)
    }

    #[test]
    fn definite_and_indefinite_lengths() {
        assert_eq!(extent(&[0x30, 0x00, 0xff]), Some(2));
        assert_eq!(extent(&[0x30, 0x03, 0x02, 0x01, 0x05]), Some(5));
        assert_eq!(extent(&[0x30, 0x82, 0x00, 0x03, 0x02, 0x01, 0x05]), Some(7));
        assert_eq!(extent(&[0x30, 0x80, 0x02, 0x01, 0x05, 0x00, 0x00, 0x01]), Some(7));
        assert_eq!(extent(&[0x30, 0x80, 0x24, 0x80, 0x04, 0x01, 0x05, 0x00, 0x00, 0x00, 0x00]), Some(11));
        assert_eq!(extent(&[0x30, 0x04, 0x30, 0x80, 0x00, 0x00]), Some(6));
        assert_eq!(extent(&[0x30, 0x04, 0xbf, 0x81, 0x00, 0x00]), Some(6));
    }

    #[test]
    fn lengths_that_do_not_fit() {
        for broken in [
            &[][..],
            &[0x30],
            &[0x30, 0x03, 0x02, 0x01],
            &[0x30, 0x03, 0x02, 0x02, 0x05, 0x05],
            &[0x30, 0x80, 0x02, 0x01, 0x05],
            &[0x30, 0x80, 0x00],
            &[0x30, 0x02, 0x00, 0x00],
            &[0x00, 0x00],
            &[0x04, 0x80, 0x00, 0x00],
            &[0x30, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0xff],
            &[0x3f, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00],
        ] {
            assert_eq!(extent(broken), None, "{broken:02x?}");
        }
    }

    #[test]
    fn levels_and_values_are_counted() {
        let nested = |depth: usize| [0x30, 0x80].repeat(depth).into_iter().chain([0, 0].repeat(depth)).collect::<Vec<u8>>();
        assert_eq!(extent(&nested(4)), Some(16));
        assert_eq!(extent(&nested(5)), None);
        assert_eq!(extent(&nested(1_000_000)), None);

        let wide = |values: usize| [&[0x30, 0x80][..], &[0x05, 0x00].repeat(values), &[0, 0]].concat();
        assert!(extent(&wide(FREE_VALUES - 1)).is_some());
        assert_eq!(extent(&wide(FREE_VALUES + FREE_VALUES / 32)), None);
    }

    #[test]
    fn only_zeros_may_follow() {
        let limits = Limits { max_bytes: 8, ..Limits::default() };
        assert_eq!(trimmed(&[0x30, 0x00, 0x00, 0x00], &limits), Ok(&[0x30, 0x00][..]));
        assert_eq!(trimmed(&[0x30, 0x00, 0x00, 0x01], &limits), Err(OpenFault::Malformed));
        assert_eq!(trimmed(&[0; 9], &limits), Err(OpenFault::TooLarge { limit: 8 }));
    }
}
