//! What a clinic's staff read of each reason, in Norwegian and English, and its stable code.

use super::{PartFault, Why};

impl Why {
    /// Those that name figures.
    pub(super) fn figures(self) -> Option<(&'static str, String, String)> {
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
            Self::AnswerTooLarge { has, limit } => (
                "answer-too-large",
                format!("Svaret er for stort: tekstene er {has} byte; grensen er {limit} byte."),
                format!("The answer is too large: its texts have {has} bytes; the limit is {limit} bytes."),
            ),
            Self::UploadPart(PartFault::Size { limit }) => {
                ("upload-part", format!("En del har 1 til {limit} byte."), format!("A part has 1 to {limit} bytes."))
            }
            Self::UploadsTooLarge { has, limit } => (
                "uploads-too-large",
                format!("Legekontorets opplastede filer som ikke er lagt ved ennå, blir {has} byte; grensen er {limit} byte."),
                format!(
                    "Files that the clinic has uploaded and not attached yet would be {has} bytes; the limit is {limit} bytes."
                ),
            ),
            Self::VersionStale { has } => (
                "version-stale",
                format!("Timen har ikke denne versjonen: den har versjon {has} nå."),
                format!("The appointment does not have that version: it has version {has} now."),
            ),
            Self::TooFew { least } => {
                ("too-few", format!("Det må være minst {least}."), format!("There must be {least} at least."))
            }
            Self::TooMany { limit } => {
                ("too-many", format!("Det kan være høyst {limit} om gangen."), format!("There may be {limit} at a time at most."))
            }
            _ => return None,
        })
    }

    /// The others.
    pub(super) const fn sentences(self) -> (&'static str, &'static str, &'static str) {
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
            Self::IdReused => (
                "id-reused",
                "Denne id-en er brukt til en annen kommando; en rettet kommando må ha en ny id.",
                "This id was used for another command; a corrected command needs a new one.",
            ),
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
            Self::RequestsOpen => (
                "requests-open",
                "Dialogen har flere forespørsler uten svar: svar på de andre først.",
                "The dialog has several requests without an answer: answer the others first.",
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
            Self::TextMarkup => (
                "text-markup",
                "Teksten inneholder HTML; et «<» som ikke er det, må ha mellomrom etter seg.",
                "The text contains HTML; a < that is none needs a space after it.",
            ),
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
                "Vedlegget er ikke lastet opp, ikke helt, eller lagt ved en melding allerede: last det opp på nytt.",
                "The file was not uploaded, not all of it, or it is attached to a message already: upload it again.",
            ),
            Self::UploadPart(PartFault::Parts) => {
                ("upload-part", "Et vedlegg har 1 til 100 deler.", "A file has 1 to 100 parts.")
            }
            Self::UploadPart(PartFault::OtherParts) => (
                "upload-part",
                "En annen del av vedlegget sa at det har et annet antall deler.",
                "Another part of the file said that it has another number of parts.",
            ),
            Self::UploadPart(PartFault::Number) => (
                "upload-part",
                "Delens nummer er fra 1 til antallet deler.",
                "The part's number is from 1 to the number of parts.",
            ),
            Self::UploadPart(PartFault::Base64) => ("upload-part", "Delen er ikke base64.", "The part is not base64."),
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
            Self::FulfilmentUnfit => (
                "fulfilment-unfit",
                "Pasienten ønsker noe annet: en ny time bestilles, en time flyttes eller avlyses, etter ønsket.",
                "The patient wishes for something else: a new appointment is booked, one is moved or cancelled, as was wished.",
            ),
            Self::TimebokUnknown => ("timebok-unknown", "Timeboken finnes ikke.", "There is no such timebok."),
            Self::TimebokWithoutOwner => (
                "timebok-without-owner",
                "Timeboken har ingen eier: ingen pasienter kan bestille time i den.",
                "The timebok has no owner: no patient can book in it.",
            ),
            Self::TimebokOneOfSeveral => (
                "timebok-one-of-several",
                "Legen eier flere timebøker: da kan pasientene ikke bestille time i noen av dem.",
                "The doctor owns several timebøker: patients can then book in none of them.",
            ),
            Self::BookingNotOffered => (
                "booking-not-offered",
                "Timebestilling er ikke registrert for legen.",
                "Booking is not registered for the doctor.",
            ),
            Self::AppointmentTypeUnknown => {
                ("appointment-type-unknown", "Timetypen finnes ikke.", "There is no such type of appointment.")
            }
            Self::AppointmentTypeHidden => (
                "appointment-type-hidden",
                "Timetypen er skjult for pasienter.",
                "That type of appointment is hidden from patients.",
            ),
            Self::AppointmentUnknown => ("appointment-unknown", "Timen finnes ikke.", "There is no such appointment."),
            Self::AppointmentCancelled => ("appointment-cancelled", "Timen er avlyst.", "The appointment was cancelled."),
            Self::TimeTaken => ("time-taken", "Tiden er opptatt.", "The time is taken."),
            Self::SlotTaken => (
                "slot-taken",
                "En annen luke i timeboken bruker noe av denne tiden.",
                "Another slot of the timebok takes some of that time.",
            ),
            Self::TimePast => ("time-past", "Tiden er forbi.", "The time has passed."),
            Self::TimeUneven => ("time-uneven", "Tiden er ikke et helt minutt.", "The time is not a whole minute."),
            Self::TimeTooFar => ("time-too-far", "Tiden er mer enn ti år fram.", "The time is more than ten years ahead."),
            Self::TimeToCome => ("time-to-come", "Tiden er ikke kommet ennå.", "The time has not come yet."),
            // Those that name figures, see there.
            Self::TextTooLong { .. }
            | Self::AttachmentsTooLarge { .. }
            | Self::UploadsTooLarge { .. }
            | Self::CommandTooLarge { .. }
            | Self::AnswerTooLarge { .. }
            | Self::UploadPart(PartFault::Size { .. })
            | Self::VersionStale { .. }
            | Self::TooFew { .. }
            | Self::TooMany { .. } => ("", "", ""),
        }
    }
}
