//! Attachments: base64 decoded block by block, straight from the document.

use super::limits::XmlError;
use super::reader::{Item, Reader};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Padding may be left out: some senders do.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// Characters decoded at a time; a multiple of four.
const BLOCK: usize = 8192;

/// Collects base64 in any pieces, skipping white space.
#[derive(Default)]
struct Decoder {
    block: Vec<u8>,
    bytes: Vec<u8>,
    bad: bool,
    /// Padding has been decoded: nothing may follow.
    padded: bool,
}

impl Decoder {
    fn push(&mut self, piece: &str) {
        self.bytes.reserve(piece.len() / 4 * 3);
        for run in piece.as_bytes().split(u8::is_ascii_whitespace) {
            let mut rest = run;
            while !rest.is_empty() && !self.bad {
                let room = BLOCK.saturating_sub(self.block.len()).min(rest.len());
                let (now, later) = rest.split_at_checked(room).unwrap_or((rest, &[]));
                self.block.extend_from_slice(now);
                rest = later;
                if self.block.len() >= BLOCK {
                    self.decode();
                }
            }
        }
    }

    fn decode(&mut self) {
        if self.block.is_empty() {
            return;
        }
        self.bad |= self.padded || LENIENT.decode_vec(&self.block, &mut self.bytes).is_err();
        self.padded = self.block.last() == Some(&b'=');
        self.block.clear();
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        self.decode();
        (!self.bad).then_some(self.bytes)
    }
}

/// The bytes in the element just begun; `None` when it holds anything but base64.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Option<Vec<u8>>, XmlError> {
    let mut decoder = Decoder::default();
    loop {
        match reader.next()? {
            Item::Text(text) => decoder.push(&text),
            Item::Char(c) => decoder.push(c.encode_utf8(&mut [0; 4])),
            Item::Start(_) => {
                decoder.bad = true;
                reader.skip()?;
            }
            Item::End => return Ok(decoder.finish()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD as STRICT;

    fn decoded(pieces: &[&str]) -> Option<Vec<u8>> {
        let mut decoder = Decoder::default();
        pieces.iter().for_each(|piece| decoder.push(piece));
        decoder.finish()
    }

    #[test]
    fn small() {
        for (pieces, want) in [
            (&["aGVp"][..], Some("hei")),
            (&[" aG\r\n\tVp\n"], Some("hei")),
            (&["aG", "Vp"], Some("hei")),
            (&["aGVpIQ=="], Some("hei!")),
            (&["aGVpIQ"], Some("hei!")),
            (&["aGVpIQ=", "\n="], Some("hei!")),
            (&[], Some("")),
            (&[" \n"], Some("")),
            (&["aGVp!"], None),
            (&["aGVpI"], None),
            (&["aGVpIQ==aGVp"], None),
            (&["bl\u{e5}b"], None),
        ] {
            assert_eq!(decoded(pieces).as_deref(), want.map(str::as_bytes), "{pieces:?}");
        }
    }

    #[test]
    fn long_and_line_broken() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let text = STRICT.encode(&bytes);
        let lines: String = text.as_bytes().chunks(76).map(|l| format!("{}\r\n", std::str::from_utf8(l).unwrap())).collect();
        assert_eq!(decoded(&[&lines]).as_deref(), Some(&bytes[..]));
        assert_eq!(decoded(&[&text]).as_deref(), Some(&bytes[..]));
        // Padding at the end of a full block, then more.
        let padded = STRICT.encode(&bytes[..6143]);
        assert_eq!(padded.len(), BLOCK);
        assert_eq!(decoded(&[&padded, "aGVp"]), None);
    }
}
