//! A message on its way out: its text is made once, its files are encoded piece by piece as they go.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// Bytes of a file that are encoded at a time: a multiple of three, so that only the last piece is padded; 256 KiB encoded.
const BLOCK: usize = 192 * 1024;

/// A document around its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streamed<'a> {
    /// The document without the files' base64.
    text: Bytes,
    /// Files with their places in the text, in order.
    files: Vec<(usize, &'a [u8])>,
}

impl<'a> Streamed<'a> {
    /// A text, and files by where they stand in it, in order.
    pub(super) fn new(text: Vec<u8>, files: Vec<(usize, &'a [u8])>) -> Self {
        Self { text: text.into(), files }
    }

    /// Bytes of the whole document.
    pub fn encoded_len(&self) -> usize {
        let file = |bytes: &[u8]| bytes.len().div_ceil(3).saturating_mul(4);
        self.files.iter().map(|(_, bytes)| file(bytes)).fold(self.text.len(), usize::saturating_add)
    }

    /// The document from the first byte to the last; of files at most 256 KiB at a time.
    pub fn pieces(&self) -> impl Iterator<Item = Bytes> {
        let starts = std::iter::once(0).chain(self.files.iter().map(|(at, _)| *at));
        let ends = self.files.iter().map(|(at, _)| *at).chain([self.text.len()]);
        let files = self.files.iter().map(|(_, bytes)| *bytes).chain([&[][..]]);
        starts.zip(ends).zip(files).flat_map(|((start, end), file)| {
            // Places in this text, in order, as the writer noted them.
            let encoded = file.chunks(BLOCK).map(|block| Bytes::from(STANDARD.encode(block)));
            std::iter::once(self.text.slice(start..end)).chain(encoded)
        })
    }

    /// The document in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.encoded_len());
        self.pieces().for_each(|piece| whole.extend_from_slice(&piece));
        whole
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole_whatever_the_files_sizes() {
        let sizes = [0, 1, 2, 3, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 2];
        for (first, second) in sizes.into_iter().flat_map(|a| sizes.map(|b| (a, b))) {
            let (a, b) = (vec![7; first], vec![9; second]);
            let streamed = Streamed::new(b"<a></a><b></b>".to_vec(), vec![(3, &a), (10, &b)]);
            let want = format!("<a>{}</a><b>{}</b>", STANDARD.encode(&a), STANDARD.encode(&b));
            assert_eq!(streamed.encoded_len(), want.len(), "{first} {second}");
            assert!(streamed.to_vec() == want.as_bytes(), "{first} {second}");
            assert!(streamed.pieces().all(|piece| piece.len() <= BLOCK / 3 * 4), "{first} {second}");
        }
        assert_eq!(Streamed::new(b"<a/>".to_vec(), vec![]).to_vec(), b"<a/>");
    }
}
