//! Files that a clinic attaches (S3, message-formats 8).

use crate::entry::media_type;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use messages::command::order::UploadAttachment;
use messages::command::refusal::{PartFault, Refusal, Why};
use std::collections::{BTreeMap, BTreeSet};

/// Decoded bytes that the files of one message may have in total: 12 MiB.
pub const TOTAL_LIMIT: u64 = 12 * 1024 * 1024;
/// Decoded bytes of one part of an upload: 256 KiB, so that no command comes near what a broker takes at once.
pub const PART_LIMIT: usize = 256 * 1024;
/// Decoded bytes that a clinic may have uploaded and not attached, in total: 512 MiB. Whoever uploads and never attaches must not take the
/// room of all.
pub const SPOOL_LIMIT: u64 = 512 * 1024 * 1024;
/// Bytes that a part counts for at least, towards that: what a row takes beside them.
pub const LEAST_COUNTED: u64 = 4096;
/// Bytes by which a file's type is told. As many parts hold them at most.
const LEAD: usize = 16;
/// Parts of one upload.
pub const PARTS_LIMIT: u32 = 100;
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

/// What is here of an upload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spooled {
    /// Parts that it was said to have.
    pub parts: u32,
    /// Those that are here, with their bytes.
    pub sizes: BTreeMap<u32, u64>,
    /// The first bytes of parts 1 to 16, up to 16 of each.
    pub leads: BTreeMap<u32, Vec<u8>>,
}

impl Spooled {
    /// As a file to attach.
    pub fn file(&self) -> Uploaded {
        Uploaded {
            complete: self.missing() == 0,
            bytes: self.bytes(),
            lead: self.leads.values().flatten().copied().take(LEAD).collect(),
        }
    }

    fn bytes(&self) -> u64 {
        self.sizes.values().copied().fold(0, u64::saturating_add)
    }

    /// Bytes of all, as the clinic's limit counts them.
    pub fn counted(&self) -> u64 {
        self.sizes.values().map(|bytes| (*bytes).max(LEAST_COUNTED)).fold(0, u64::saturating_add)
    }

    fn missing(&self) -> u32 {
        let here: BTreeSet<u32> = self.sizes.keys().copied().filter(|part| (1..=self.parts).contains(part)).collect();
        self.parts.saturating_sub(u32::try_from(here.len()).unwrap_or(u32::MAX))
    }

    /// With one more part, or the same one anew.
    #[must_use]
    pub fn with(mut self, part: &Part) -> Self {
        self.parts = part.parts;
        self.sizes.insert(part.part, part.bytes.len() as u64);
        if part.part <= LEAD as u32 {
            self.leads.insert(part.part, part.bytes.iter().copied().take(LEAD).collect());
        }
        self
    }
}

/// A part of an upload, decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// Which, from 1.
    pub part: u32,
    /// Of how many.
    pub parts: u32,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part").field("part", &self.part).field("parts", &self.parts).finish_non_exhaustive()
    }
}

/// Takes a part in, and says how many are missing then. `spooled`: bytes that the clinic has uploaded and not attached.
///
/// # Errors
/// It is none of the parts there are to be, other parts said otherwise, it is no base64, empty or too large, or all are too large
/// together, those of the file or those of the clinic.
pub fn take_part(order: &UploadAttachment, here: Option<&Spooled>, spooled: u64) -> Result<(Part, u32), Refusal> {
    let at = |field: &str, fault| Refusal::of(&format!("arguments.{field}"), Why::UploadPart(fault));
    match () {
        () if !(1..=PARTS_LIMIT).contains(&order.parts) => return Err(at("parts", PartFault::Parts)),
        () if here.is_some_and(|here| here.parts != order.parts) => return Err(at("parts", PartFault::OtherParts)),
        () if !(1..=order.parts).contains(&order.part) => return Err(at("part", PartFault::Number)),
        () => {}
    }
    // Decoding takes what it gets: how much that may be is known before.
    let size = || at("bytes", PartFault::Size { limit: PART_LIMIT });
    let encoded = order.bytes.expose();
    if encoded.len() > PART_LIMIT.div_ceil(3) * 4 {
        return Err(size());
    }
    let bytes = STANDARD.decode(encoded).map_err(|_| at("bytes", PartFault::Base64))?;
    if !(1..=PART_LIMIT).contains(&bytes.len()) {
        return Err(size());
    }
    let part = Part { part: order.part, parts: order.parts, bytes };
    let after = here.cloned().unwrap_or_default().with(&part);
    // A part that comes again takes the place of the first.
    let spool = spooled.saturating_sub(here.map_or(0, Spooled::counted)).saturating_add(after.counted());
    if spool > SPOOL_LIMIT {
        return Err(Refusal::of("arguments.bytes", Why::UploadsTooLarge { has: spool, limit: SPOOL_LIMIT }));
    }
    let has = after.bytes();
    match has > TOTAL_LIMIT {
        true => Err(Refusal::of("arguments.bytes", Why::AttachmentsTooLarge { has, limit: TOTAL_LIMIT })),
        false => Ok((part, after.missing())),
    }
}

/// A part of a file as an answer carries it.
pub fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
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
    fn parts_come_in_any_order_and_again() {
        let order = |part, parts, bytes: &[u8]| UploadAttachment {
            upload: uuid::Uuid::nil(),
            part,
            parts,
            bytes: STANDARD.encode(bytes).into(),
        };
        let (second, missing) = take_part(&order(2, 2, b"rest"), None, 0).unwrap();
        assert_eq!(missing, 1);
        let here = Spooled::default().with(&second);
        assert!(!here.file().complete);
        assert_eq!(take_part(&order(2, 2, b"other"), Some(&here), 0).unwrap().1, 1, "the same part again");
        let (first, missing) = take_part(&order(1, 2, b"%PDF-1.7 and more"), Some(&here), 0).unwrap();
        assert_eq!(missing, 0);
        let file = here.clone().with(&first).file();
        assert_eq!((file.complete, file.bytes, file.lead.as_slice()), (true, 21, &b"%PDF-1.7 and mor"[..]));
        let drops = b"%PDF-1".iter().zip(1..).fold(Spooled::default(), |here, (byte, n)| {
            let (part, _) = take_part(&order(n, 6, &[*byte]), (n > 1).then_some(&here), 0).unwrap();
            here.with(&part)
        });
        assert_eq!(media_types(&[Some(drops.file())]).unwrap(), ["application/pdf"], "byte by byte");
        let field = |order: &UploadAttachment, here| take_part(order, here, 0).unwrap_err().field.unwrap();
        for (order, want) in [
            (order(1, 3, b"x"), "arguments.parts"),
            (order(3, 2, b"x"), "arguments.part"),
            (order(0, 2, b"x"), "arguments.part"),
            (order(1, 2, b""), "arguments.bytes"),
            (order(1, 2, &vec![0; PART_LIMIT + 1]), "arguments.bytes"),
            (UploadAttachment { bytes: "no base64!".to_owned().into(), ..order(1, 2, b"") }, "arguments.bytes"),
        ] {
            assert_eq!(field(&order, Some(&here)), want, "{order:?}");
        }
        assert_eq!(field(&order(1, PARTS_LIMIT + 1, b"x"), None), "arguments.parts");
        let full = Spooled { parts: 3, sizes: [(1, TOTAL_LIMIT - 1), (2, 1)].into(), leads: BTreeMap::new() };
        assert_eq!(take_part(&order(3, 3, b"x"), Some(&full), 0).unwrap_err().code, "attachments-too-large");
        assert!(take_part(&order(2, 3, b"y"), Some(&full), 0).is_ok());
    }

    #[test]
    fn what_a_clinic_uploads_has_a_limit_in_all() {
        let order = |bytes: &[u8]| UploadAttachment {
            upload: uuid::Uuid::nil(),
            part: 1,
            parts: 1,
            bytes: STANDARD.encode(bytes).into(),
        };
        let (small, large) = (order(b"x"), order(&vec![0; 5000]));
        assert!(take_part(&small, None, SPOOL_LIMIT - LEAST_COUNTED).is_ok());
        assert!(take_part(&large, None, SPOOL_LIMIT - 5000).is_ok());
        let refusal = take_part(&small, None, SPOOL_LIMIT - LEAST_COUNTED + 1).unwrap_err();
        assert_eq!(refusal.code, "uploads-too-large");
        assert!(refusal.english.contains("536870913") && refusal.english.contains("536870912"), "{}", refusal.english);
        // The same again takes no more room.
        let here = Spooled::default().with(&take_part(&large, None, 0).unwrap().0);
        assert!(take_part(&large, Some(&here), SPOOL_LIMIT).is_ok());
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
