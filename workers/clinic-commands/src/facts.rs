//! What the rules ask about a batch of commands: a fixed number of statements, however many commands there are.

use crate::asked::{Asked, dialog_of, patients_of, uploads_of};
use crate::timeboker::{self, Timeboker};
use domain::clinic::Clinic;
use domain::command::attachments::{PART_LIMIT, Spooled};
use domain::command::contact::Status;
use domain::command::dialog::Known;
use domain::command::recipients::Names;
use domain::command::writing::KnownPatient;
use messages::HerId;
use messages::command::Command;
use messages::command::answer::{Dialog, Summary};
use messages::command::order::Order;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use store::reading::{FilePart, Listing, Look, PartKey};
use store::upload::UploadKey;
use store::{StoreError, Tx, clinic, contact, known, reading, upload};
use uuid::Uuid;

/// Facts of a batch. Decisions are noted in them, so that the next command of the batch finds things as they will be.
#[derive(Default)]
pub struct Facts {
    pub(crate) clinics: HashMap<HerId, Arc<Clinic>>,
    pub(crate) reach: HashMap<HerId, HerId>,
    pub(crate) dialogs: HashMap<Uuid, (HerId, Known)>,
    pub(crate) patients: HashMap<(HerId, String), KnownPatient>,
    pub(crate) statuses: HashMap<(HerId, String), Status>,
    pub(crate) uploads: HashMap<UploadKey, Spooled>,
    /// Bytes that clinics have uploaded and not attached: of those that upload more.
    pub(crate) spooled: HashMap<HerId, u64>,
    pub(crate) shown: HashMap<Look, Dialog>,
    pub(crate) parts: HashMap<PartKey, FilePart>,
    pub(crate) names: HashMap<HerId, Names>,
    /// By the ids that the question was given.
    pub(crate) lists: HashMap<Uuid, Vec<Summary>>,
    pub(crate) timeboker: Timeboker,
}

/// Loads them. Whatever a clinic names that is another's is not loaded at all.
///
/// # Errors
/// As any step.
pub async fn load(tx: &Tx<'_>, batch: &[&Asked]) -> Result<Facts, StoreError> {
    let commands: Vec<(&Asked, &Command)> =
        batch.iter().filter_map(|asked| Some((*asked, asked.command.as_ref().ok()?))).collect();
    let her_ids: Vec<HerId> = commands.iter().map(|(_, c)| c.clinic).collect::<BTreeSet<_>>().into_iter().collect();
    if her_ids.is_empty() {
        return Ok(Facts::default());
    }
    let all: Vec<&Command> = commands.iter().map(|(_, command)| *command).collect();
    // First: what a clinic is may not change under what is decided of its timebøker.
    timeboker::lock(tx, &all).await?;
    let clinics = clinic::load(tx, &her_ids).await?;
    let reach = known::reach(tx, &her_ids).await?;
    let changed = named(&commands, |command| dialog_of(&command.order).into_iter().collect());
    let mut dialogs = known::dialogs_locked(tx, &changed).await?;
    let uploads = upload::load(tx, &named(&commands, |command| uploads_of(&command.order))).await?;
    let uploading = named(&commands, |c| if matches!(c.order, Order::UploadAttachment(_)) { vec![()] } else { Vec::new() });
    let spooled = upload::spooled(tx, &uploading.into_iter().map(|(clinic, ())| clinic).collect::<Vec<_>>()).await?;
    let numbers = |c: &Command| patients_of(&c.order).into_iter().map(str::to_owned).collect();
    let numbers = named(&commands, numbers);
    let patients = known::patients(tx, &numbers).await?;
    let asked = contactable_ones(&commands);
    let statuses = if asked.is_empty() { HashMap::new() } else { contact::statuses(tx, &asked).await? };
    let parts = file_parts(tx, &commands).await?;
    // Who may see what is read goes by the dialog it is in.
    let read = named(&commands, |command| match &command.order {
        Order::ShowDialog(show) => vec![show.dialog],
        _ => Vec::new(),
    });
    let of_files: Vec<(HerId, Uuid)> = parts.iter().map(|(key, part)| (key.clinic, part.dialog)).collect();
    let after = named(&commands, |command| match &command.order {
        Order::ListDialogs(list) => list.after.into_iter().collect(),
        _ => Vec::new(),
    });
    dialogs.extend(known::dialogs(tx, &[read.clone(), of_files, after].concat()).await?);
    let shown = reading::dialogs(tx, &looks(&commands)).await?;
    let names = clinic::names(tx, &asking_for_names(&commands)).await?;
    let lists = lists(tx, &commands, &patients).await?;
    let timeboker = timeboker::load(tx, &all, &clinics).await?;
    Ok(Facts { clinics, reach, dialogs, patients, statuses, uploads, spooled, shown, parts, names, lists, timeboker })
}

/// What commands name, each with the clinic that names it.
fn named<T: Ord>(commands: &[(&Asked, &Command)], of: impl Fn(&Command) -> Vec<T>) -> Vec<(HerId, T)> {
    let all = commands.iter().flat_map(|(_, command)| of(command).into_iter().map(|id| (command.clinic, id)));
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Who looks at which dialog, each once.
fn looks(commands: &[(&Asked, &Command)]) -> Vec<Look> {
    let look = |(_, c): &(&Asked, &Command)| {
        let Order::ShowDialog(show) = &c.order else { return None };
        Some(Look { clinic: c.clinic, dialog: show.dialog, employee: c.actor.clone() })
    };
    commands.iter().filter_map(look).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Clinics that ask what those who can be chosen are called.
fn asking_for_names(commands: &[(&Asked, &Command)]) -> Vec<HerId> {
    let asks = commands.iter().filter(|(_, command)| matches!(command.order, Order::ShowRecipients(_)));
    asks.map(|(_, command)| command.clinic).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Those whose contactability matters.
fn contactable_ones(commands: &[(&Asked, &Command)]) -> Vec<(HerId, String)> {
    named(commands, |command| match &command.order {
        Order::StartDialog(_) | Order::CheckContactability(_) => {
            patients_of(&command.order).into_iter().map(str::to_owned).collect()
        }
        _ => Vec::new(),
    })
}

async fn file_parts(tx: &Tx<'_>, commands: &[(&Asked, &Command)]) -> Result<HashMap<PartKey, FilePart>, StoreError> {
    let keys: Vec<PartKey> = commands.iter().filter_map(|(_, command)| part_key(command)).collect();
    reading::file_parts(tx, &keys, PART_LIMIT).await
}

/// The part of a file that a command asks for.
pub(crate) const fn part_key(command: &Command) -> Option<PartKey> {
    match &command.order {
        Order::FetchAttachment(f) => Some(PartKey { clinic: command.clinic, entry: f.entry, number: f.number, part: f.part }),
        _ => None,
    }
}

async fn lists(
    tx: &Tx<'_>,
    commands: &[(&Asked, &Command)],
    patients: &HashMap<(HerId, String), KnownPatient>,
) -> Result<HashMap<Uuid, Vec<Summary>>, StoreError> {
    let listing = |(asked, command): &(&Asked, &Command)| {
        let Order::ListDialogs(list) = &command.order else { return None };
        let patient = match &list.patient {
            Some(nin) => Some(patients.get(&(command.clinic, nin.expose().clone()))?.id),
            None => None,
        };
        let limit = list.limit.clamp(1, 200);
        let (clinic, employee) = (command.clinic, command.actor.clone());
        Some((asked.ids.entry, Listing { clinic, employee, patient, only: list.only, after: list.after, limit }))
    };
    let (ids, listings): (Vec<Uuid>, Vec<Listing>) = commands.iter().filter_map(listing).unzip();
    Ok(ids.into_iter().zip(reading::lists(tx, &listings).await?).collect())
}
