//! Why a command is refused: a code that never changes, the field, and what the clinic's staff read. `dialogpost schema Answer` lists the codes.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A refusal, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Stable code.
    #[schemars(schema_with = "codes")]
    pub code: String,
    /// The field, such as `arguments.text`; none when it is nobody's in particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// For the clinic's staff.
    pub norwegian: String,
    /// The same.
    pub english: String,
}

impl Refusal {
    /// Of no field in particular.
    pub fn new(why: Why) -> Self {
        let (code, norwegian, english) = why.words();
        Self { code: code.to_owned(), field: None, norwegian, english }
    }

    /// Of a field.
    pub fn of(field: &str, why: Why) -> Self {
        Self { field: Some(field.to_owned()), ..Self::new(why) }
    }

    /// Whether it is for this reason, whatever its figures are.
    pub fn is(&self, why: Why) -> bool {
        self.code == why.code()
    }
}

/// Every code there is, each with what it says in English; of a sentence with figures an example.
fn codes(_: &mut SchemaGenerator) -> Schema {
    let refusals: Vec<Refusal> = Why::ALL.iter().map(|why| Refusal::new(*why)).collect();
    let each: Vec<Value> = refusals.iter().map(|r| json!({ "const": r.code, "description": r.english })).collect();
    let codes: Vec<&str> = refusals.iter().map(|r| r.code.as_str()).collect();
    json_schema!({ "type": "string", "enum": codes, "oneOf": each })
}

/// Every reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum Why {
    /// The body is no JSON.
    NotJson,
    /// No command of this name.
    CommandUnknown,
    /// A version this build does not know.
    VersionUnknown,
    /// A field that the command does not have.
    UnknownField,
    /// A field stands twice.
    RepeatedField,
    /// The body is too large.
    CommandTooLarge {
        /// Bytes it has.
        has: usize,
        /// Bytes it may have.
        limit: usize,
    },
    /// A field is missing.
    MissingField,
    /// A value of the wrong type or form.
    WrongType,
    /// A fault of ours: nothing was done, and the operators have a dead letter.
    Internal,
    /// Who asks names no queue for the answer.
    ReplyToMissing,
    /// The id was used before for something else.
    IdReused,
    /// No such clinic.
    ClinicUnknown,
    /// The clinic is not ready (J1).
    ClinicNotReady,
    /// No such employee.
    ActorUnknown,
    /// The employee lacks the role.
    RoleMissing,
    /// It is not known through which party the clinic reaches HelseNorge.
    HelsenorgeUnknown,
    /// The service is not registered for the employee (J2).
    ServiceNotOffered,
    /// No such dialog here. Another clinic's looks the same.
    DialogUnknown,
    /// The dialog is closed.
    DialogClosed,
    /// The dialog is of a kind that this cannot be done with.
    KindUnfit,
    /// The conversation has another dialog of that kind (K3).
    KindTaken,
    /// It is one already (K3).
    AlreadyConverted,
    /// The dialog has no such request.
    RequestUnknown,
    /// The dialog has several requests without an answer (P2).
    RequestAmbiguous,
    /// A request in the dialog waits for its answer.
    RequestOpen,
    /// The request has its answer (P2).
    AlreadyAnswered,
    /// The number is no fødselsnummer or D-nummer.
    PatientNumber,
    /// No such patient here.
    PatientUnknown,
    /// A patient is needed.
    PatientMissing,
    /// A patient has no place here.
    PatientUnwanted,
    /// The patient is not active on HelseNorge (S2).
    NotActive,
    /// The patient has not consented (S2).
    NotConsented,
    /// HelseNorge could not be asked, and the clinic wants certainty (S2).
    ContactabilityUnknown,
    /// Empty text.
    TextEmpty,
    /// Too long.
    TextTooLong {
        /// Characters it has.
        has: usize,
        /// Characters it may have.
        limit: usize,
    },
    /// A text has no place here.
    TextUnwanted,
    /// Markup.
    TextMarkup,
    /// A character that XML cannot carry.
    TextControl,
    /// No such file, or no such part of it.
    AttachmentUnknown,
    /// No such upload, or not all of it.
    UploadIncomplete,
    /// A part that does not fit the others, or is too large or no base64.
    UploadPart,
    /// Its leading bytes are of no accepted type (S3).
    AttachmentType,
    /// Its name speaks of another type than its leading bytes (S3).
    AttachmentName,
    /// What the clinic has uploaded and not attached is too much in total.
    UploadsTooLarge {
        /// Bytes there would be.
        has: u64,
        /// Bytes there may be.
        limit: u64,
    },
    /// Too much in total (S3).
    AttachmentsTooLarge {
        /// Bytes they have.
        has: u64,
        /// Bytes they may have.
        limit: u64,
    },
    /// A recipient that is nobody here.
    RecipientUnknown,
    /// A recipient is needed.
    RecipientMissing,
    /// A recipient has no place here (R2).
    RecipientUnwanted,
    /// Too many at once.
    TooMany {
        /// The limit.
        limit: usize,
    },
}

impl Why {
    /// Each once, with figures as examples.
    pub const ALL: &[Self] = &[
        Self::NotJson,
        Self::CommandUnknown,
        Self::VersionUnknown,
        Self::UnknownField,
        Self::MissingField,
        Self::WrongType,
        Self::Internal,
        Self::ReplyToMissing,
        Self::IdReused,
        Self::ClinicUnknown,
        Self::ClinicNotReady,
        Self::ActorUnknown,
        Self::RoleMissing,
        Self::HelsenorgeUnknown,
        Self::ServiceNotOffered,
        Self::DialogUnknown,
        Self::DialogClosed,
        Self::KindUnfit,
        Self::KindTaken,
        Self::AlreadyConverted,
        Self::AlreadyAnswered,
        Self::PatientNumber,
        Self::PatientUnknown,
        Self::PatientMissing,
        Self::PatientUnwanted,
        Self::NotActive,
        Self::NotConsented,
        Self::ContactabilityUnknown,
        Self::TextEmpty,
        Self::TextTooLong { has: 30_001, limit: 30_000 },
        Self::TextUnwanted,
        Self::TextMarkup,
        Self::TextControl,
        Self::AttachmentUnknown,
        Self::UploadIncomplete,
        Self::UploadPart,
        Self::AttachmentType,
        Self::AttachmentsTooLarge { has: 12_582_913, limit: 12_582_912 },
        Self::RecipientUnknown,
        Self::RecipientMissing,
        Self::RecipientUnwanted,
        Self::TooMany { limit: 1000 },
    ];

    /// Stable, kebab-case.
    pub fn code(self) -> &'static str {
        self.words().0
    }

    /// Code, Norwegian, English.
    fn words(self) -> (&'static str, String, String) {
        if let Some((code, norwegian, english)) = self.figures() {
            return (code, norwegian, english);
        }
        let (code, norwegian, english) = self.sentences();
        (code, norwegian.to_owned(), english.to_owned())
    }

    /// Those that name figures.
    fn figures(self) -> Option<(&'static str, String, String)> {
        Some(match self {
            Self::TextTooLong { has, limit } => (
                "text-too-long",
                format!("Teksten har {has} tegn; det er plass til {limit}."),
                format!("The text has {has} characters; there is room for {limit}."),
            ),
            Self::AttachmentsTooLarge { has, limit } => (
                "attachments-too-large",
                format!("Vedleggene er til sammen {has} byte; grensen er {limit} byte."),
                format!("The attachments have {has} bytes in total; the limit is {limit} bytes."),
            ),
            Self::CommandTooLarge { has, limit } => (
                "command-too-large",
                format!("Kommandoen er {has} byte; grensen er {limit} byte."),
                format!("The command has {has} bytes; the limit is {limit} bytes."),
            ),
            Self::UploadsTooLarge { has, limit } => (
                "uploads-too-large",
                format!("Legekontorets opplastede filer som ikke er lagt ved ennå, blir {has} byte; grensen er {limit} byte."),
                format!(
                    "Files that the clinic has uploaded and not attached yet would be {has} bytes; the limit is {limit} bytes."
                ),
            ),
            Self::TooMany { limit } => {
                ("too-many", format!("Det kan være høyst {limit} om gangen."), format!("There may be {limit} at a time at most."))
            }
            _ => return None,
        })
    }

    const fn sentences(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::NotJson => ("not-json", "Kommandoen er ikke JSON.", "The command is not JSON."),
            Self::CommandUnknown => ("command-unknown", "Kommandoen finnes ikke.", "There is no such command."),
            Self::VersionUnknown => {
                ("version-unknown", "Denne versjonen av kommandoen finnes ikke.", "There is no such version of the command.")
            }
            Self::UnknownField => {
                ("field-unknown", "Kommandoen har et felt som ikke finnes.", "The command has a field that does not exist.")
            }
            Self::RepeatedField => {
                ("field-repeated", "Kommandoen har et felt som står to ganger.", "The command has a field that stands twice.")
            }
            Self::MissingField => ("field-missing", "Et felt mangler.", "A field is missing."),
            Self::WrongType => ("field-malformed", "Feltet har feil form.", "The field is malformed."),
            Self::Internal => (
                "internal-error",
                "Kommandoen ble ikke utført på grunn av en feil hos oss. Driften har fått beskjed.",
                "The command was not done through a fault of ours. The operators have been told.",
            ),
            Self::ReplyToMissing => (
                "reply-to-missing",
                "Spørsmålet sier ikke hvor svaret skal sendes.",
                "The question does not say where the answer is to be sent.",
            ),
            Self::HelsenorgeUnknown => (
                "helsenorge-unknown",
                "Legekontoret er ikke koblet til HelseNorge.",
                "The clinic is not connected to HelseNorge.",
            ),
            Self::IdReused => {
                ("id-reused", "Denne id-en er brukt til en annen kommando.", "This id was used for another command.")
            }
            Self::ClinicUnknown => ("clinic-unknown", "Legekontoret finnes ikke her.", "The clinic is not known here."),
            Self::ClinicNotReady => (
                "clinic-not-ready",
                "Legekontoret er ikke klart for digital dialog.",
                "The clinic is not ready for digital dialog.",
            ),
            Self::ActorUnknown => {
                ("actor-unknown", "Brukeren er ikke ansatt på legekontoret.", "The user is no employee of the clinic.")
            }
            Self::RoleMissing => {
                ("role-missing", "Brukeren har ikke rollen som trengs.", "The user lacks the role that is needed.")
            }
            Self::ServiceNotOffered => (
                "service-not-offered",
                "Tjenesten er ikke registrert for brukeren.",
                "The service is not registered for the user.",
            ),
            Self::DialogUnknown => ("dialog-unknown", "Dialogen finnes ikke.", "There is no such dialog."),
            Self::DialogClosed => ("dialog-closed", "Dialogen er avsluttet.", "The dialog is closed."),
            Self::KindUnfit => {
                ("kind-unfit", "Det går ikke med en dialog av denne typen.", "That cannot be done with a dialog of this kind.")
            }
            Self::KindTaken => (
                "kind-taken",
                "Samtalen har allerede en egen dialog av denne typen.",
                "The conversation has a dialog of that kind already.",
            ),
            Self::AlreadyConverted => {
                ("already-converted", "Dialogen er allerede konvertert.", "The dialog was converted before.")
            }
            Self::RequestUnknown => {
                ("request-unknown", "Dialogen har ingen slik forespørsel.", "The dialog has no such request.")
            }
            Self::RequestAmbiguous => (
                "request-ambiguous",
                "Dialogen har flere forespørsler uten svar: si hvilken.",
                "The dialog has several requests without an answer: say which.",
            ),
            Self::RequestOpen => (
                "request-open",
                "En forespørsel i dialogen har ikke fått svar ennå.",
                "A request in the dialog has no answer yet.",
            ),
            Self::AlreadyAnswered => ("already-answered", "Forespørselen er allerede besvart.", "The request has its answer."),
            Self::PatientNumber => (
                "patient-number",
                "Det er ikke et fullt fødselsnummer eller D-nummer.",
                "It is no full fødselsnummer or D-nummer.",
            ),
            Self::PatientUnknown => {
                ("patient-unknown", "Pasienten finnes ikke på legekontoret.", "The clinic has no such patient.")
            }
            Self::PatientMissing => ("patient-missing", "Dialogen må ha en pasient.", "The dialog needs a patient."),
            Self::PatientUnwanted => (
                "patient-unwanted",
                "En dialog mellom kolleger har ingen pasient.",
                "A dialog between colleagues has no patient.",
            ),
            Self::NotActive => (
                "patient-not-active",
                "Pasienten kan ikke kontaktes på HelseNorge: er ikke aktiv bruker.",
                "The patient cannot be contacted on HelseNorge: is no active user.",
            ),
            Self::NotConsented => (
                "patient-not-consented",
                "Pasienten kan ikke kontaktes på HelseNorge: har ikke samtykket til digital kontakt.",
                "The patient cannot be contacted on HelseNorge: has not consented to digital contact.",
            ),
            Self::ContactabilityUnknown => (
                "contactability-unknown",
                "Pasienten kan ikke kontaktes på HelseNorge: HelseNorge svarer ikke på om det går an.",
                "The patient cannot be contacted on HelseNorge: HelseNorge does not say whether it is possible.",
            ),
            Self::TextEmpty => ("text-empty", "Teksten er tom.", "The text is empty."),
            Self::TextUnwanted => ("text-unwanted", "Teksten har ingen plass her.", "The text has no place here."),
            Self::TextMarkup => ("text-markup", "Teksten inneholder HTML.", "The text contains HTML."),
            Self::TextControl => (
                "text-control",
                "Teksten inneholder tegn som ikke kan sendes.",
                "The text contains characters that cannot be sent.",
            ),
            Self::AttachmentUnknown => {
                ("attachment-unknown", "Vedlegget eller delen finnes ikke.", "There is no such file, or no such part of it.")
            }
            Self::UploadIncomplete => (
                "upload-incomplete",
                "Vedlegget er ikke lastet opp, eller ikke helt.",
                "The file was not uploaded, or not all of it.",
            ),
            Self::UploadPart => ("upload-part", "Delen passer ikke til vedlegget.", "The part does not fit the file."),
            Self::AttachmentType => {
                ("attachment-type", "Vedlegg må være PDF, JPEG eller PNG.", "Attachments must be PDF, JPEG or PNG.")
            }
            Self::AttachmentName => (
                "attachment-name",
                "Filnavnet sier en annen type enn det filen er.",
                "The file's name speaks of another type than the file is.",
            ),
            Self::RecipientUnknown => {
                ("recipient-unknown", "Mottakeren finnes ikke på legekontoret.", "The clinic has no such recipient.")
            }
            Self::RecipientMissing => {
                ("recipient-missing", "Det må velges minst én mottaker.", "At least one recipient must be chosen.")
            }
            Self::RecipientUnwanted => {
                ("recipient-unwanted", "Her kan ingen mottaker velges.", "No recipient can be chosen here.")
            }
            // Those that name figures, see there.
            Self::TextTooLong { .. }
            | Self::AttachmentsTooLarge { .. }
            | Self::UploadsTooLarge { .. }
            | Self::CommandTooLarge { .. }
            | Self::TooMany { .. } => ("", "", ""),
        }
    }
}
