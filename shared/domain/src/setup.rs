//! The set-up file of `dialogpost apply`: parties and clinics in JSON, checked whole; every fault names its field.

use crate::agreement::KnownCertificate;
use crate::appointment::Contact;
use crate::clinic::{Recipient, RoutingRule, SetKind};
use crate::notice::{Channel, Language};
use jiff::Timestamp;
use messages::command::order::RecipientMode;
use messages::event::DialogKind;
use messages::{HerId, Sensitive};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

mod check;

pub use check::{check, shown_key};

/// The file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// Those we talk with.
    #[serde(default)]
    pub parties: Vec<Party>,
    /// Those we work for.
    #[serde(default)]
    pub clinics: Vec<ClinicSetup>,
}

/// A communication party outside: HelseNorge.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Level-2 HER-id.
    pub her_id: HerId,
    /// Name.
    pub name: String,
    /// Level-1 HER-id.
    #[serde(default)]
    pub parent_her_id: Option<HerId>,
    /// Its queues; never derived from the HER-id, since queues are often inherited (nhn-messaging 1.1).
    pub queues: Queues,
    /// Whose key its signatures are made with: PEM text, base64 of DER, `{"file": "path"}` relative to the set-up file, or null. Read
    /// where files are read, into `certificates`.
    #[serde(default)]
    pub signing_certificate: Value,
    /// To whose key messages for it are encrypted; likewise.
    #[serde(default)]
    pub encryption_certificate: Value,
    /// What the two are, each once.
    #[serde(skip)]
    pub certificates: Vec<KnownCertificate>,
}

/// Queue names, or registry addresses `host/namespace/queue`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queues {
    /// Dialogs and receipts.
    #[serde(rename = "async")]
    pub async_queue: String,
    /// Requests whose sender waits.
    #[serde(rename = "sync")]
    pub sync_queue: String,
    /// Error messages.
    #[serde(rename = "error")]
    pub error_queue: String,
}

impl Queues {
    /// `{herId}_async`, `_sync`, `_error`: our own queues when the file names no others.
    pub fn of(her_id: HerId) -> Self {
        Self {
            async_queue: format!("{her_id}_async"),
            sync_queue: format!("{her_id}_sync"),
            error_queue: format!("{her_id}_error"),
        }
    }

    fn all_mut(&mut self) -> [(&'static str, &mut String); 3] {
        [("async", &mut self.async_queue), ("sync", &mut self.sync_queue), ("error", &mut self.error_queue)]
    }
}

/// A clinic.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClinicSetup {
    /// Name.
    pub name: String,
    /// Level-2 HER-id.
    pub her_id: HerId,
    /// Level-1 HER-id.
    #[serde(default)]
    pub parent_her_id: Option<HerId>,
    /// Its queues, when they are not named after its HER-id.
    #[serde(default)]
    pub queues: Option<Queues>,
    /// The queue where it waits for replies, when it is not named after its HER-id.
    #[serde(default)]
    pub syncreply_queue: Option<String>,
    /// See [`crate::readiness`].
    #[serde(default)]
    pub nhn_member: bool,
    /// See [`crate::readiness`].
    #[serde(default)]
    pub digital_dialog_ordered: bool,
    /// Everyone who works there.
    #[serde(default)]
    pub employees: Vec<EmployeeSetup>,
    /// Positions.
    #[serde(default)]
    pub positions: Vec<SetSetup>,
    /// Groups.
    #[serde(default)]
    pub groups: Vec<SetSetup>,
    /// Roles.
    #[serde(default)]
    pub roles: Vec<SetSetup>,
    /// Who receives what (R2); a kind that is absent has its default (R3).
    #[serde(default)]
    pub routing: BTreeMap<String, RoutingSetup>,
    /// The patients of the clinic.
    #[serde(default)]
    pub patients: Vec<PatientSetup>,
    /// Through which party it reaches HelseNorge; null: the only one there is.
    #[serde(default)]
    pub helsenorge: Option<HerId>,
    /// Names under which its journal systems are known to our broker; none: commands for it are taken from whoever may give any.
    #[serde(default)]
    pub command_users: Vec<String>,
    /// Our private keys for it.
    #[serde(default)]
    pub own_certificates: OwnCertificates,
    /// How it notices patients whom HelseNorge does not reach; null: not at all.
    #[serde(default)]
    pub notifications: Option<NotificationsSetup>,
    /// Has the video module: patients may book video consultations (T7).
    #[serde(default)]
    pub video_module: bool,
    /// A patient may cancel himself until so many hours before the appointment, 0 to 336.
    #[serde(default)]
    pub cancellation_hours: u32,
    /// Types of appointments.
    #[serde(default)]
    pub appointment_types: Vec<AppointmentTypeSetup>,
    /// Timebøker.
    #[serde(default)]
    pub timeboker: Vec<TimebokSetup>,
}

/// A type of appointment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppointmentTypeSetup {
    /// Short name within the clinic.
    pub id: String,
    /// Full name.
    pub name: String,
    /// How long one is, 1 to 1440.
    pub minutes: u32,
    /// How patient and doctor meet.
    pub contact: Contact,
    /// *Skjult time* (T6).
    #[serde(default)]
    pub hidden: bool,
    /// Whether patients who are not on HelseNorge are noticed (N3).
    #[serde(default)]
    pub notify: bool,
}

/// A timebok.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimebokSetup {
    /// Short name within the clinic.
    pub id: String,
    /// Employee id of whose it is.
    pub owner: String,
    /// Whether patients who are not on HelseNorge are noticed (N3).
    #[serde(default)]
    pub notify: bool,
    /// Slots to begin with. Those that stand in it already stay as they are.
    #[serde(default)]
    pub slots: Vec<SlotSetup>,
}

/// A slot.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotSetup {
    /// When it begins, with an offset.
    pub start: Timestamp,
    /// Short name of the type of appointment that it is for.
    #[serde(rename = "type")]
    pub appointment_type: String,
    /// Released for patients to book.
    #[serde(default)]
    pub online: bool,
}

/// How a clinic notices patients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotificationsSetup {
    /// Whether it does.
    pub enabled: bool,
    /// Over which channels, the first to be tried first.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// In which language, to patients who have none of their own.
    #[serde(default)]
    pub language: Language,
}

/// Files below `KEYS_DIR`, each a certificate with its private key (PEM, or PKCS#12).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OwnCertificates {
    /// Signs what is sent.
    pub signing: Option<String>,
    /// Decrypts what is received.
    pub encryption: Option<String>,
    /// Decrypt too: earlier ones that counterparts still use, and coming ones.
    pub legacy_encryption: Vec<String>,
}

impl OwnCertificates {
    /// Every key that may decrypt, the present one first.
    pub fn decryption(&self) -> Vec<String> {
        self.encryption.iter().chain(&self.legacy_encryption).cloned().collect()
    }
}

/// An employee.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmployeeSetup {
    /// Short name within the clinic.
    pub id: String,
    /// Full name.
    pub name: String,
    /// HER-id.
    #[serde(default)]
    pub her_id: Option<HerId>,
    /// Number in the register of health personnel.
    #[serde(default)]
    pub hpr: Option<String>,
    /// Services registered for him.
    #[serde(default)]
    pub services: Vec<String>,
}

/// A position, group or role.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetSetup {
    /// Short name within the clinic.
    pub id: String,
    /// Full name.
    pub name: String,
    /// Employees' ids.
    #[serde(default)]
    pub members: Vec<String>,
}

/// A routing rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutingSetup {
    /// `behandler`, `fast` or `fast_og_behandler`.
    pub mode: String,
    /// For `fast` and `fast_og_behandler`.
    #[serde(default)]
    pub recipients: Vec<Recipient>,
}

/// A patient.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatientSetup {
    /// Fødselsnummer or D-nummer.
    pub nin: Sensitive<String>,
    /// Family name.
    pub family_name: Sensitive<String>,
    /// Given name.
    pub given_name: Sensitive<String>,
    /// Employee id of the fastlege.
    #[serde(default)]
    pub fastlege: Option<String>,
    /// State on HelseNorge, as of when the file is applied.
    #[serde(default)]
    pub helsenorge: Option<HelsenorgeSetup>,
    /// For notices by text message: E.164, such as `+4799900001`.
    #[serde(default)]
    pub phone: Option<Sensitive<String>>,
    /// For notices by e-mail.
    #[serde(default)]
    pub email: Option<Sensitive<String>>,
    /// For notices in the clinic's own app: what its push service knows the patient by.
    #[serde(default)]
    pub push: Option<Sensitive<String>>,
    /// Of notices; null: the clinic's.
    #[serde(default)]
    pub language: Option<Language>,
}

/// What HelseNorge would say of a patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HelsenorgeSetup {
    /// An active user, oneself or through somebody else.
    pub active: bool,
    /// Consents to digital contact.
    pub digital_contact_consent: bool,
}

/// A fault of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupFault {
    /// Path in the file, such as `clinics[0].routing.EKONTAKT.mode`.
    pub field: String,
    /// What is wrong and what is allowed; never a person's data.
    pub text: String,
}

impl ClinicSetup {
    /// Positions, groups and roles alike.
    pub fn sets(&self) -> impl Iterator<Item = (SetKind, &SetSetup)> {
        let positions = self.positions.iter().map(|s| (SetKind::Position, s));
        let groups = self.groups.iter().map(|s| (SetKind::Group, s));
        positions.chain(groups).chain(self.roles.iter().map(|s| (SetKind::Role, s)))
    }

    /// Its queues.
    pub fn queues(&self) -> Queues {
        self.queues.clone().unwrap_or_else(|| Queues::of(self.her_id))
    }

    /// Where it waits for replies: no registry has an address for that (nhn-messaging 1.1).
    pub fn syncreply_queue(&self) -> String {
        self.syncreply_queue.clone().unwrap_or_else(|| format!("{}_syncreply", self.her_id))
    }

    /// Its rules; call after [`check`] found no fault.
    pub fn rules(&self) -> impl Iterator<Item = (DialogKind, RoutingRule)> {
        self.routing.iter().filter_map(|(kind, rule)| Some((DialogKind::parse(kind)?, rule.rule().ok()??)))
    }
}

impl RoutingSetup {
    /// The rule, or what is wrong with it; none is the default.
    ///
    /// # Errors
    /// Text for people.
    pub fn rule(&self) -> Result<Option<RoutingRule>, String> {
        let mode = RecipientMode::parse(&self.mode).ok_or("mode is behandler, fast or fast_og_behandler")?;
        RoutingRule::new(mode, self.recipients.clone()).map_err(|fault| fault.to_string())
    }
}
