//! Bytes off the queue → a command, whom to answer, and what makes it happen once.

use domain::command::reply::answers_to;
use domain::command::writing::Ids;
use messages::command::order::Order;
use messages::command::refusal::Refusal;
use messages::command::{Command, Unreadable};
use messages::transport::Delivery;
use messages::{Fault, HerId};
use sha2::{Digest, Sha256};
use store::command::CommandKey;
use uuid::Uuid;

/// A command as this worker reads it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// It, or why it cannot be read.
    pub command: Result<Command, Box<Unreadable>>,
    /// Where the answer goes.
    pub reply: Reply,
    /// Who gave it, as far as the broker vouches for it.
    pub user: Option<String>,
    /// Ids for what it may make.
    pub ids: Ids,
}

/// Where an answer goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The queue; none = whoever listens is told.
    pub queue: Option<String>,
    /// What the caller knows the answer by.
    pub correlation: Option<String>,
}

impl Asked {
    /// Reads a delivery. What cannot be read is answered too, if anybody can be.
    ///
    /// # Errors
    /// Broken: it cannot be read, and names neither a queue for the answer nor a clinic.
    pub fn read(delivery: &Delivery) -> Result<Self, Fault> {
        let p = &delivery.properties;
        let queue = answers_to(p.reply_to.as_deref()).map(str::to_owned);
        let correlation = p.correlation_id.clone().or_else(|| p.message_id.clone()).filter(|id| id.len() <= 255);
        let command = Command::from_json(&delivery.body);
        if let Err(unreadable) = &command
            && queue.is_none()
            && unreadable.clinic.is_none()
        {
            return Err(unanswerable(&unreadable.refusal));
        }
        let ids = Ids { dialog: Uuid::now_v7(), entry: Uuid::now_v7() };
        Ok(Self { command, reply: Reply { queue, correlation }, user: delivery.user.clone(), ids })
    }

    /// Which command it is; none of what cannot be read, and of questions.
    pub fn key(&self) -> Option<CommandKey> {
        let command = self.command.as_ref().ok()?;
        (!command.order.is_question()).then_some((command.clinic, command.id))
    }

    /// Its id, as far as it can be read.
    pub fn id(&self) -> Option<Uuid> {
        self.command.as_ref().map_or_else(|unreadable| unreadable.id, |command| Some(command.id))
    }

    /// Its clinic, as far as it can be read.
    pub fn clinic(&self) -> Option<HerId> {
        self.command.as_ref().map_or_else(|unreadable| unreadable.clinic, |command| Some(command.clinic))
    }
}

fn unanswerable(refusal: &Refusal) -> Fault {
    let field = refusal.field.as_deref().unwrap_or("the body");
    Fault::broken(
        "command-unreadable",
        format!("a command that cannot be read ({} in {field}) names neither a queue for the answer nor a clinic", refusal.code),
    )
}

/// SHA-256 of what a command asks and who asks it.
pub fn digest(command: &Command) -> Vec<u8> {
    let asked = (&command.actor, command.order.name(), command.order.arguments());
    // Strings, numbers and ids only: serialising them cannot fail.
    Sha256::digest(serde_json::to_vec(&asked).unwrap_or_default()).to_vec()
}

/// The dialog that a command changes.
pub const fn dialog_of(order: &Order) -> Option<Uuid> {
    match order {
        Order::ReplyToDialog(order) => Some(order.dialog),
        Order::CloseDialog(order) => Some(order.dialog),
        Order::AnswerPrescriptionRequest(order) => Some(order.dialog),
        Order::ConvertDialog(order) => Some(order.dialog),
        Order::AnswerTimeonske(order) => Some(order.dialog),
        Order::StartDialog(_)
        | Order::UploadAttachment(_)
        | Order::SetRecipients(_)
        | Order::ShowRecipients(_)
        | Order::CheckContactability(_)
        | Order::ShowDialog(_)
        | Order::ListDialogs(_)
        | Order::FetchAttachment(_)
        | Order::ReleaseSlots(_)
        | Order::BookAppointment(_)
        | Order::MoveAppointment(_)
        | Order::CancelAppointment(_)
        | Order::ChangeAppointmentType(_)
        | Order::MarkNoShow(_)
        | Order::ShowTimebok(_)
        | Order::ListAppointments(_) => None,
    }
}

/// The uploads that a command attaches, or adds to.
pub fn uploads_of(order: &Order) -> Vec<Uuid> {
    match order {
        Order::StartDialog(order) => order.attachments.iter().map(|file| file.upload).collect(),
        Order::ReplyToDialog(order) => order.attachments.iter().map(|file| file.upload).collect(),
        Order::UploadAttachment(order) => vec![order.upload],
        _ => Vec::new(),
    }
}

/// The patients' numbers that a command names: eleven digits each. Whatever else stands in their place is nobody's number.
pub fn patients_of(order: &Order) -> Vec<&str> {
    let named = match order {
        Order::StartDialog(order) => order.patient.as_slice(),
        Order::CheckContactability(order) => &order.patients,
        Order::ListDialogs(order) => order.patient.as_slice(),
        Order::BookAppointment(order) => std::slice::from_ref(&order.patient),
        Order::ListAppointments(order) => std::slice::from_ref(&order.patient),
        _ => &[],
    };
    let is_number = |nin: &&str| nin.len() == 11 && nin.bytes().all(|byte| byte.is_ascii_digit());
    named.iter().map(|nin| nin.expose().as_str()).filter(is_number).collect()
}
