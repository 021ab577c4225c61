//! What is written in dialogs: entries with their files, where they go, the journal, and what HelseNorge gets.

use crate::answering::event;
use crate::letters;
use domain::command::deed::{Deed, File, Post, Written};
use domain::entry::Entry;
use domain::journaling::is_journaled;
use domain::routing::Routed;
use jiff::Timestamp;
use messages::HerId;
use messages::event::{DialogClosed, DialogConverted, DialogReceived, EDialogWritten, Fact};
use messages::person_id::TestSeries;
use messages::transport::Outgoing;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use store::dialog::{self, By, Extended, NewDialog, NewEntry, Own};
use store::inbox_item::{self, Delivered};
use store::own_dialog::{self, Converted};
use store::upload::{self, Attached};
use store::{StoreError, Tx, journal_entry};
use uuid::Uuid;

/// Label of a colleague in an inbox item's `via`.
const COLLEAGUE: &str = "colleague";

/// A deed with who does it.
#[derive(Debug)]
pub struct Doing {
    /// For which clinic.
    pub clinic: HerId,
    /// Employee id.
    pub actor: String,
    /// What the command is known as ([`Outgoing::led_by`]).
    pub led_by: Uuid,
    /// What.
    pub deed: Deed,
}

impl Doing {
    fn written(&self) -> Option<(&Self, &Written)> {
        self.deed.written.as_ref().map(|written| (self, written))
    }
}

/// Writes deeds, in order, and returns what is to be sent.
///
/// # Errors
/// As any step of the store.
pub async fn write(tx: &Tx<'_>, doing: &[Doing], series: &TestSeries, now: Timestamp) -> Result<Vec<Outgoing>, StoreError> {
    if doing.is_empty() {
        return Ok(Vec::new());
    }
    let sequences = open_and_extend(tx, doing, now).await?;
    add_entries(tx, doing, &sequences, now).await?;
    deliver_inside(tx, doing, now).await?;
    change(tx, doing, now).await?;
    journal(tx, doing, now).await?;
    let mut outgoing = letters::write(tx, doing, series, now).await?;
    outgoing.extend(doing.iter().flat_map(|one| events(one, &sequences, now)));
    Ok(outgoing)
}

/// Entry → its place in its dialog.
type Sequences = HashMap<Uuid, u32>;

async fn open_and_extend(tx: &Tx<'_>, doing: &[Doing], now: Timestamp) -> Result<Sequences, StoreError> {
    let (mut new, mut sequences, mut participants) = (Vec::new(), Sequences::new(), BTreeSet::new());
    let mut longer = BTreeMap::<Uuid, Vec<Uuid>>::new();
    for (doing, written) in doing.iter().filter_map(Doing::written) {
        let Some(opening) = &written.opens else {
            longer.entry(doing.deed.dialog).or_default().push(written.entry);
            continue;
        };
        sequences.insert(written.entry, 1);
        participants.extend(opening.participants.iter().map(|id| (doing.clinic, doing.deed.dialog, id.clone())));
        new.push(NewDialog {
            id: doing.deed.dialog,
            clinic: doing.clinic,
            patient: opening.patient,
            kind: opening.kind,
            conversation: written.entry.to_string(),
            title: opening.title.clone(),
            flagged: false,
            opened_at: now,
        });
    }
    dialog::open(tx, &new).await?;
    own_dialog::add_participants(tx, &participants).await?;
    let added = longer.iter().map(|(dialog, entries)| (*dialog, u32::try_from(entries.len()).unwrap_or(u32::MAX))).collect();
    let extended = dialog::extend(tx, &added, By::Clinic, now).await?;
    for (dialog, entries) in longer {
        let before = extended.get(&dialog).map_or(0, |Extended { before, .. }| *before);
        sequences.extend(entries.into_iter().zip(before + 1..));
    }
    Ok(sequences)
}

async fn add_entries(tx: &Tx<'_>, doing: &[Doing], sequences: &Sequences, now: Timestamp) -> Result<(), StoreError> {
    let entry = |(doing, written): (&Doing, &Written)| NewEntry {
        id: written.entry,
        dialog: doing.deed.dialog,
        sequence: sequences.get(&written.entry).copied().unwrap_or(0),
        entry: Entry {
            form: written.form,
            code: written.code.map(str::to_owned),
            subject: written.subject.clone(),
            text: written.text.clone(),
            sent_at: Some(now),
            ..Entry::empty()
        },
        own: Some(Own { author: doing.actor.clone(), answers: written.answers }),
        received_at: now,
    };
    let entries: Vec<NewEntry> = doing.iter().filter_map(Doing::written).map(entry).collect();
    dialog::add_entries(tx, &entries).await?;
    let files = |(doing, written): (&Doing, &Written)| {
        let (clinic, entry) = (doing.clinic, written.entry);
        let file = move |(file, number): (&File, i32)| Attached {
            entry,
            number,
            file_name: file.name.clone(),
            media_type: file.media_type,
            upload: (clinic, file.upload),
        };
        written.files.iter().zip(1..).map(file).collect::<Vec<_>>()
    };
    let attached: Vec<Attached> = doing.iter().filter_map(Doing::written).flat_map(files).collect();
    upload::attach(tx, &attached).await
}

/// E-dialogs: into colleagues' inboxes, or the patient's in the portal.
async fn deliver_inside(tx: &Tx<'_>, doing: &[Doing], now: Timestamp) -> Result<(), StoreError> {
    let (mut colleagues, mut portal) = (Vec::new(), Vec::new());
    for (doing, written) in doing.iter().filter_map(Doing::written) {
        match &written.post {
            Post::HelseNorge { .. } => {}
            Post::Portal(patient) => portal.push((written.entry, doing.clinic, *patient)),
            Post::Colleagues(ids) => {
                let recipients = ids.iter().map(|id| (id.clone(), vec![COLLEAGUE.to_owned()])).collect();
                let routed = Routed { recipients, flagged: false };
                colleagues.push(Delivered { entry: written.entry, clinic: doing.clinic, routed, at: now });
            }
        }
    }
    inbox_item::insert(tx, &colleagues).await?;
    own_dialog::put_into_portal(tx, &portal, now).await
}

async fn change(tx: &Tx<'_>, doing: &[Doing], now: Timestamp) -> Result<(), StoreError> {
    let closed: Vec<Uuid> = doing.iter().filter(|d| d.deed.closes).map(|d| d.deed.dialog).collect();
    own_dialog::close(tx, &closed, now).await?;
    let converted = doing.iter().filter_map(|d| {
        let (from, to) = d.deed.converts?;
        Some(Converted { dialog: d.deed.dialog, from, to, title: d.deed.title.clone()? })
    });
    own_dialog::convert(tx, &converted.collect::<Vec<_>>()).await
}

/// What belongs to an eKonsultasjon now: new entries (K1), and whole threads that became one (K3, P3).
async fn journal(tx: &Tx<'_>, doing: &[Doing], now: Timestamp) -> Result<(), StoreError> {
    let threads: HashSet<Uuid> =
        doing.iter().filter(|d| d.deed.converts.is_some_and(|(_, to)| is_journaled(to))).map(|d| d.deed.dialog).collect();
    let of_kind = |(doing, written): (&Doing, &Written)| match written.post {
        Post::HelseNorge { kind, .. } if is_journaled(kind) && !threads.contains(&doing.deed.dialog) => Some(written.entry),
        _ => None,
    };
    let mut entries: Vec<Uuid> = doing.iter().filter_map(Doing::written).filter_map(of_kind).collect();
    entries.extend(own_dialog::unjournaled(tx, &threads.into_iter().collect::<Vec<_>>()).await?);
    journal_entry::append(tx, &entries, now).await
}

/// What whoever listens is told.
fn events(one: &Doing, sequences: &Sequences, now: Timestamp) -> impl Iterator<Item = Outgoing> {
    let (clinic, dialog, led_by) = (one.clinic, one.deed.dialog, Some(one.led_by));
    let written = one.deed.written.as_ref().map(|written| written_fact(clinic, dialog, written, sequences));
    let converted = one.deed.converts.map(|(from, to)| Fact::DialogConverted(DialogConverted { dialog, clinic, from, to }));
    let closed = one.deed.closes.then_some(Fact::DialogClosed(DialogClosed { dialog, clinic }));
    let facts = [written, converted, closed].into_iter().flatten();
    facts.map(move |fact| Outgoing { led_by, ..event(fact, now) })
}

fn written_fact(clinic: HerId, dialog: Uuid, written: &Written, sequences: &Sequences) -> Fact {
    let entry = written.entry;
    match written.post {
        Post::HelseNorge { kind, .. } => {
            let sequence = sequences.get(&entry).copied().unwrap_or(0);
            Fact::DialogSent(DialogReceived { message: entry, clinic, dialog, sequence, dialog_kind: kind })
        }
        Post::Portal(patient) => Fact::EDialogWritten(EDialogWritten { entry, dialog, clinic, patient: Some(patient) }),
        Post::Colleagues(_) => Fact::EDialogWritten(EDialogWritten { entry, dialog, clinic, patient: None }),
    }
}
