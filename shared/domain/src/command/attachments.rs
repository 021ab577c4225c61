//! Files that a clinic attaches (S3, message-formats 8).

use crate::entry::media_type;
use messages::command::refusal::{Refusal, Why};

/// Decoded bytes that the files of one message may have in total: 12 MiB.
pub const TOTAL_LIMIT: u64 = 12 * 1024 * 1024;
/// What HelseNorge shows to patients.
const ACCEPTED: [&str; 3] = ["application/pdf", "image/jpeg", "image/png"];

/// What is known of an uploaded file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// Whether every part is there.
    pub complete: bool,
    /// Bytes of all parts.
    pub bytes: u64,
    /// The first bytes, enough to tell the type.
    pub lead: Vec<u8>,
}

/// The media types of a message's files, in order. `None` = nothing was uploaded under that id.
///
/// # Errors
/// A file is missing or of no accepted type, by its place; or they are too large together.
pub fn media_types(files: &[Option<Uploaded>]) -> Result<Vec<&'static str>, Refusal> {
    let at = |n: usize, why| Refusal::of(&format!("arguments.attachments[{n}].upload"), why);
    let mut types = Vec::with_capacity(files.len());
    for (n, file) in files.iter().enumerate() {
        let file = file.as_ref().filter(|file| file.complete).ok_or_else(|| at(n, Why::UploadIncomplete))?;
        let found = media_type(&file.lead).filter(|found| ACCEPTED.contains(found));
        types.push(found.ok_or_else(|| at(n, Why::AttachmentType))?);
    }
    let has = files.iter().flatten().map(|file| file.bytes).fold(0, u64::saturating_add);
    if has > TOTAL_LIMIT {
        return Err(Refusal::of("arguments.attachments", Why::AttachmentsTooLarge { has, limit: TOTAL_LIMIT }));
    }
    Ok(types)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn file(lead: &[u8], bytes: u64) -> Option<Uploaded> {
        Some(Uploaded { complete: true, bytes, lead: lead.to_vec() })
    }

    #[test]
    fn files_are_what_their_first_bytes_say() {
        let png = b"\x89PNG\r\n\x1A\n";
        assert_eq!(media_types(&[]).unwrap(), [""; 0]);
        assert_eq!(
            media_types(&[file(b"%PDF-1.7", 10), file(b"\xFF\xD8\xFF\xE0", 10), file(png, 10)]).unwrap(),
            ["application/pdf", "image/jpeg", "image/png"]
        );
        let incomplete = Some(Uploaded { complete: false, bytes: 1, lead: b"%PDF-".to_vec() });
        for (files, code, field) in [
            (vec![file(b"%PDF-", 1), None], "upload-incomplete", "arguments.attachments[1].upload"),
            (vec![incomplete], "upload-incomplete", "arguments.attachments[0].upload"),
            (vec![file(b"MZ", 1)], "attachment-type", "arguments.attachments[0].upload"),
            (vec![file(b"II*\0", 1)], "attachment-type", "arguments.attachments[0].upload"),
            (vec![file(b"", 0)], "attachment-type", "arguments.attachments[0].upload"),
        ] {
            let refusal = media_types(&files).unwrap_err();
            assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), (code, Some(field)));
        }
    }

    #[test]
    fn the_limit_is_for_all_together_and_named() {
        let half = TOTAL_LIMIT / 2;
        assert!(media_types(&[file(b"%PDF-", half), file(b"%PDF-", half)]).is_ok());
        let refusal = media_types(&[file(b"%PDF-", half), file(b"%PDF-", half + 1)]).unwrap_err();
        assert_eq!((refusal.code.as_str(), refusal.field.as_deref()), ("attachments-too-large", Some("arguments.attachments")));
        assert!(refusal.english.contains("12582913") && refusal.english.contains("12582912"), "{}", refusal.english);
        assert!(media_types(&[file(b"%PDF-", u64::MAX), file(b"%PDF-", 1)]).is_err());
    }
}
