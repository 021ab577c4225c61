//! Why a command is refused: a code that never changes, the field, and what the clinic's staff read. `dialogpost schema Answer` lists the codes.

mod words;

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

    /// With what the field should be, in words of ours: in Norwegian and in English.
    #[must_use]
    pub(super) fn expecting(mut self, (norwegian, english): (&str, &str)) -> Self {
        for (sentence, expected) in
            [(&mut self.norwegian, format!("forventet {norwegian}")), (&mut self.english, format!("expected {english}"))]
        {
            *sentence = format!("{}: {expected}.", sentence.trim_end_matches('.'));
        }
        self
    }

    /// Whether it is for this reason, whatever its figures are.
    pub fn is(&self, why: Why) -> bool {
        self.code == why.code()
    }
}

/// Every code there is, each with what it may say in English.
fn codes(_: &mut SchemaGenerator) -> Schema {
    let refusals: Vec<Refusal> = Why::ALL.iter().map(|why| Refusal::new(*why)).collect();
    let each = refusals.iter().map(|r| json!({ "const": r.code, "description": format!("Such as: {}", r.english) }));
    let each: Vec<Value> = each.collect();
    let codes: Vec<&str> = refusals.iter().map(|r| r.code.as_str()).collect();
    json_schema!({ "type": "string", "enum": codes, "oneOf": each })
}

/// What is wrong with a part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum PartFault {
    /// A file has 1 to 100 parts.
    Parts,
    /// Another part said otherwise.
    OtherParts,
    /// It is none of those that there are to be.
    Number,
    /// Its bytes are no base64.
    Base64,
    /// It has no bytes, or too many.
    Size {
        /// Bytes it may have.
        limit: usize,
    },
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
    /// The dialog has several requests without an answer, and would take all with it.
    RequestsOpen,
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
    /// A part that cannot be taken.
    UploadPart(PartFault),
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
    /// The answer is larger than a broker carries.
    AnswerTooLarge {
        /// Bytes its texts have.
        has: usize,
        /// Bytes they may have.
        limit: usize,
    },
    /// A recipient that is nobody here.
    RecipientUnknown,
    /// A recipient is needed.
    RecipientMissing,
    /// A recipient has no place here (R2).
    RecipientUnwanted,
    /// The wish was for something else.
    FulfilmentUnfit,
    /// No such timebok.
    TimebokUnknown,
    /// Nobody has this timebok, so nobody's patients can book in it (T1).
    TimebokWithoutOwner,
    /// Its owner has several, so patients can book in none of them (T1).
    TimebokOneOfSeveral,
    /// Its owner does not offer booking (J2).
    BookingNotOffered,
    /// No such type of appointment.
    AppointmentTypeUnknown,
    /// The type of appointment is hidden from patients (T6).
    AppointmentTypeHidden,
    /// No such appointment here. Another clinic's looks the same.
    AppointmentUnknown,
    /// The appointment was cancelled.
    AppointmentCancelled,
    /// The appointment has changed since it was looked at.
    VersionStale {
        /// The version it has.
        has: u32,
    },
    /// Another appointment takes some of that time (T4).
    TimeTaken,
    /// Another slot takes some of that time.
    SlotTaken,
    /// The time has passed.
    TimePast,
    /// The time is not a whole minute.
    TimeUneven,
    /// The time is too far ahead.
    TimeTooFar,
    /// The time has not come.
    TimeToCome,
    /// Too few at once.
    TooFew {
        /// The least.
        least: usize,
    },
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
        Self::RepeatedField,
        Self::CommandTooLarge { has: 1_048_577, limit: 1_048_576 },
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
        Self::RequestUnknown,
        Self::RequestAmbiguous,
        Self::RequestsOpen,
        Self::RequestOpen,
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
        Self::UploadPart(PartFault::Number),
        Self::AttachmentType,
        Self::AttachmentName,
        Self::UploadsTooLarge { has: 536_870_913, limit: 536_870_912 },
        Self::AttachmentsTooLarge { has: 12_582_913, limit: 12_582_912 },
        Self::AnswerTooLarge { has: 8_388_609, limit: 8_388_608 },
        Self::RecipientUnknown,
        Self::RecipientMissing,
        Self::RecipientUnwanted,
        Self::FulfilmentUnfit,
        Self::TimebokUnknown,
        Self::TimebokWithoutOwner,
        Self::TimebokOneOfSeveral,
        Self::BookingNotOffered,
        Self::AppointmentTypeUnknown,
        Self::AppointmentTypeHidden,
        Self::AppointmentUnknown,
        Self::AppointmentCancelled,
        Self::VersionStale { has: 3 },
        Self::TimeTaken,
        Self::SlotTaken,
        Self::TimePast,
        Self::TimeUneven,
        Self::TimeTooFar,
        Self::TimeToCome,
        Self::TooFew { least: 1 },
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
}
