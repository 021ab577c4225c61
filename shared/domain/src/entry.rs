//! What is kept of a dialog message's content: text, attachments, requested prescriptions, who was at the keyboard.

use crate::acceptance::Rejection;
use crate::receipts::error_8221;
use jiff::Timestamp;
use messages::Sensitive;
use messages::wire::dialogmelding::{Dialogmelding, Foresporsel, Notat};
use messages::wire::hodemelding::{Content, Document, MsgHead, Person};
use messages::wire::instant;
use messages::wire::resept::Resept;

/// One entry of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Request or answer.
    pub form: Form,
    /// `TypeForesp` (7601) or `TemaKodet` (7602).
    pub code: Option<String>,
    /// Subject line.
    pub subject: Option<Sensitive<String>>,
    /// The text.
    pub text: Sensitive<String>,
    /// When the patient sent it: `GenDate`, Norwegian time when it has no zone.
    pub sent_at: Option<Timestamp>,
    /// Who acted for the patient (R6).
    pub representative: Option<Representative>,
    /// Attached files, in order.
    pub attachments: Vec<Attachment>,
    /// Prescriptions to renew (P1), in order.
    pub prescriptions: Vec<Resept>,
    /// `KodetOpplysning` (8324): how a paper prescription is delivered.
    pub delivery: Option<String>,
}

/// Request or answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `Foresporsel`.
    Foresporsel,
    /// `Notat`.
    Notat,
}

impl Form {
    /// The name in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Foresporsel => "foresporsel",
            Self::Notat => "notat",
        }
    }
}

/// The person at the keyboard when it is not the patient (R6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Representative {
    /// `Relasjon` (7611).
    pub relation: Option<String>,
    /// Full name.
    pub name: Sensitive<String>,
    /// National identity number, as received.
    pub national_id: Option<Sensitive<String>>,
}

/// An attached file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// File name, or `vedlegg-n` when the sender gave none.
    pub file_name: Sensitive<String>,
    /// Media type, decided by the leading bytes.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Sensitive<Vec<u8>>,
}

/// Reads the entry out of a header, or says with which AppRec the message is turned down: never a half-stored dialog.
///
/// # Errors
/// T02, T10 or T99, each with its own code.
pub fn from_head(head: &MsgHead) -> Result<Entry, Rejection> {
    let main = main_document(head)?;
    let Content::Dialogmelding(dialog) = &main.content else {
        return Err(Rejection::new("document-not-a-dialog", error_8221("T10", "Første dokument er ikke en dialogmelding")));
    };
    let mut entry = text_of(dialog)?;
    entry.subject = entry.subject.or_else(|| main.content_description.clone());
    entry.sent_at = head.gen_date.as_deref().and_then(instant);
    for document in head.documents.iter().skip(1) {
        add_document(&mut entry, document)?;
    }
    Ok(entry)
}

fn main_document(head: &MsgHead) -> Result<&Document, Rejection> {
    let main = head.documents.first().ok_or_else(|| Rejection::new("document-missing", error_8221("T02", "Dokument mangler")))?;
    match main.content {
        Content::Empty => Err(Rejection::new("document-empty", error_8221("T02", "Dokumentet er tomt"))),
        _ => Ok(main),
    }
}

fn text_of(dialog: &Dialogmelding) -> Result<Entry, Rejection> {
    match (dialog.foresporsel.first(), dialog.notat.first()) {
        (Some(first), None) => Ok(request(first, &dialog.foresporsel)),
        (None, Some(first)) => Ok(answer(first, &dialog.notat)),
        (None, None) => {
            Err(Rejection::new("dialog-empty", error_8221("T02", "Dialogmeldingen har verken Foresporsel eller Notat")))
        }
        (Some(_), Some(_)) => {
            Err(Rejection::new("dialog-mixed", error_8221("T02", "Dialogmeldingen har både Foresporsel og Notat")))
        }
    }
}

fn request(first: &Foresporsel, all: &[Foresporsel]) -> Entry {
    Entry {
        form: Form::Foresporsel,
        code: first.type_foresp.as_ref().and_then(|c| c.v.clone()),
        subject: first.emne_sporsmal.clone(),
        text: joined(all.iter().filter_map(|f| f.sporsmal.as_ref())),
        delivery: first.kodet_opplysning.as_ref().and_then(|c| c.v.clone()),
        ..Entry::empty()
    }
}

fn answer(first: &Notat, all: &[Notat]) -> Entry {
    Entry {
        form: Form::Notat,
        code: first.tema_kodet.as_ref().and_then(|c| c.v.clone()),
        subject: first.tema.clone(),
        text: joined(all.iter().flat_map(|n| n.tekst.iter().chain(n.merknad.iter()))),
        ..Entry::empty()
    }
}

impl Entry {
    /// One that says nothing yet.
    pub const fn empty() -> Self {
        Self {
            form: Form::Notat,
            code: None,
            subject: None,
            text: Sensitive::new(String::new()),
            sent_at: None,
            representative: None,
            attachments: Vec::new(),
            prescriptions: Vec::new(),
            delivery: None,
        }
    }
}

fn joined<'a>(texts: impl Iterator<Item = &'a Sensitive<String>>) -> Sensitive<String> {
    Sensitive::new(texts.map(|t| t.expose().as_str()).collect::<Vec<_>>().join("\n\n"))
}

fn add_document(entry: &mut Entry, document: &Document) -> Result<(), Rejection> {
    let turned_down = |code, v, ot: &str| Err(Rejection::new(code, error_8221(v, ot)));
    match &document.content {
        Content::Resept(resept) => entry.prescriptions.push((**resept).clone()),
        Content::Pasientrelasjon(_) if entry.representative.is_some() => {
            return turned_down("relation-twice", "T02", "Mer enn én pasientrelasjon");
        }
        Content::Pasientrelasjon(relation) => {
            entry.representative = Some(Representative {
                relation: relation.relasjon.as_ref().and_then(|c| c.v.clone()),
                name: full_name(&relation.person),
                national_id: relation.person.national_id().cloned(),
            });
        }
        Content::Attachment(_) if document.compression.as_ref().is_some_and(|c| c.v.is_some()) => {
            return turned_down("attachment-compressed", "T10", "Komprimerte vedlegg støttes ikke");
        }
        Content::Attachment(bytes) => entry.attachments.push(attachment(document, bytes, entry.attachments.len() + 1)?),
        Content::BadAttachment => return turned_down("attachment-undecodable", "T99", "Vedlegget kan ikke dekodes"),
        Content::FileReference => return turned_down("attachment-by-reference", "T99", "Vedlegg som filreferanse følges ikke"),
        Content::Dialogmelding(_) => return turned_down("dialog-twice", "T02", "Mer enn én dialogmelding"),
        Content::Empty => return turned_down("document-empty", "T02", "Et dokument er tomt"),
        // A wish may carry the time it is about; what it says of it stands in its text.
        Content::Calendar(_) | Content::Helsepersonell(_) => {}
        // People are named in answers about digital users, which are no dialogs.
        Content::Personer(_) | Content::Unknown { .. } => {
            return turned_down("document-unsupported", "T10", "Et dokument har ukjent innhold");
        }
    }
    Ok(())
}

fn attachment(document: &Document, bytes: &Sensitive<Vec<u8>>, number: usize) -> Result<Attachment, Rejection> {
    let media_type = media_type(bytes.expose())
        .ok_or_else(|| Rejection::new("attachment-type", error_8221("T99", "Vedlegg må være PDF, JPEG, PNG eller TIFF")))?;
    let given = document.description.clone().filter(|d| !d.expose().trim().is_empty());
    let file_name = given.unwrap_or_else(|| Sensitive::new(format!("vedlegg-{number}")));
    Ok(Attachment { file_name, media_type, bytes: bytes.clone() })
}

/// The media type that the leading bytes tell (message-formats 8), whatever the sender calls it.
pub fn media_type(bytes: &[u8]) -> Option<&'static str> {
    const SIGNATURES: [(&[u8], &str); 5] = [
        (b"%PDF-", "application/pdf"),
        (b"\xFF\xD8\xFF", "image/jpeg"),
        (b"\x89PNG\r\n\x1A\n", "image/png"),
        (b"II*\0", "image/tiff"),
        (b"MM\0*", "image/tiff"),
    ];
    SIGNATURES.into_iter().find(|(lead, _)| bytes.starts_with(lead)).map(|(_, media_type)| media_type)
}

/// Given, middle and family name in one line.
pub fn full_name(person: &Person) -> Sensitive<String> {
    let parts = [&person.given_name, &person.middle_name, &person.family_name];
    Sensitive::new(parts.into_iter().flatten().map(|p| p.expose().as_str()).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_by_leading_bytes() {
        assert_eq!(media_type(b"%PDF-1.7"), Some("application/pdf"));
        assert_eq!(media_type(b"\xFF\xD8\xFF\xE0"), Some("image/jpeg"));
        assert_eq!(media_type(b"\x89PNG\r\n\x1A\n...."), Some("image/png"));
        assert_eq!(media_type(b"II*\0"), Some("image/tiff"));
        assert_eq!(media_type(b"MZ"), None);
        assert_eq!(media_type(b""), None);
    }
}
