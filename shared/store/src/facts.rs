//! What the rules ask before they decide on arrivals: one round trip a batch.

use crate::step::{column, step};
use crate::timebok::{self, Part};
use crate::{StoreError, Tx, clinic, contact, sending};
use ::messages::HerId;
use domain::acceptance::Facts;
use domain::appointment::Slot;
use domain::appointment::bookable::bookable;
use domain::appointment::offer::MOST_OFFERED;
use domain::arrival::Keys;
use domain::clinic::Clinic;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// The facts for each of `keys`, in order.
///
/// # Errors
/// As any step.
pub async fn arrivals(tx: &Tx<'_>, keys: &[Keys]) -> Result<Vec<Facts>, StoreError> {
    let mut facts = addressed(tx, keys).await?;
    let her_ids: BTreeSet<HerId> = facts.iter().filter_map(|(_, clinic)| *clinic).collect();
    let clinics = match her_ids.is_empty() {
        true => HashMap::new(),
        false => clinic::load(tx, &her_ids.into_iter().collect::<Vec<_>>()).await?,
    };
    let sent = sent(tx, keys).await?;
    let replies: Vec<Uuid> = keys.iter().filter_map(|k| k.replies_to).collect();
    let asked = sending::asked(tx, &replies).await?;
    let questions: Vec<Uuid> = keys.iter().flat_map(|k| k.questions.iter().copied()).collect();
    let questions = contact::asked(tx, &questions).await?;
    let mut slots = free_slots(tx, keys, &facts, &clinics).await?;
    for (n, ((facts, her_id), keys)) in facts.iter_mut().zip(keys).enumerate() {
        facts.slots = slots.remove(&n).unwrap_or_default();
        facts.clinic = her_id.and_then(|id| clinics.get(&id).cloned());
        facts.asked = keys.replies_to.and_then(|id| asked.get(&id).cloned());
        facts.question = keys.questions.iter().find_map(|id| questions.get(id).cloned());
        facts.sent = keys.sent.iter().copied().find(|id| keys.from.is_some() && sent.get(id) == keys.from.as_ref());
    }
    Ok(facts.into_iter().map(|(facts, _)| facts).collect())
}

/// Free slots for those who ask for them and have a timebok to book in, by their place in the batch.
async fn free_slots(
    tx: &Tx<'_>,
    keys: &[Keys],
    facts: &[(Facts, Option<HerId>)],
    clinics: &HashMap<HerId, Arc<Clinic>>,
) -> Result<HashMap<usize, Vec<Slot>>, StoreError> {
    let part = |(n, (keys, (facts, clinic))): (usize, (&Keys, &(Facts, Option<HerId>)))| {
        let clinic = clinics.get(clinic.as_ref()?)?;
        let timebok = bookable(clinic, facts.fastlege.as_deref(), keys.to?).ok()?;
        Some((n, Part { key: (clinic.her_id, timebok.to_owned()), span: keys.slots? }))
    };
    let (places, parts): (Vec<usize>, Vec<Part>) = keys.iter().zip(facts).enumerate().filter_map(part).unzip();
    let found = timebok::slots(tx, &parts, true, MOST_OFFERED).await?;
    Ok(places.into_iter().zip(found).map(|(n, slots)| (n, slots.into_iter().map(|(slot, _)| slot).collect())).collect())
}

async fn addressed(tx: &Tx<'_>, keys: &[Keys]) -> Result<Vec<(Facts, Option<HerId>)>, StoreError> {
    let number = |id: Option<HerId>| id.map(HerId::get);
    let from: Vec<_> = keys.iter().map(|k| number(k.from)).collect();
    let to: Vec<_> = keys.iter().map(|k| number(k.to)).collect();
    let patients: Vec<_> = keys.iter().map(|k| k.patient.as_ref().map(|p| p.expose())).collect();
    let msg_ids: Vec<_> = keys.iter().map(|k| k.msg_id.as_deref()).collect();
    let conversations: Vec<_> = keys.iter().map(|k| k.conversation.as_deref()).collect();
    let kinds: Vec<_> = keys.iter().map(|k| k.kind.map(|k| k.as_str())).collect();
    let newest: Vec<bool> = keys.iter().map(|k| k.answers_newest).collect();
    let facts = step!(
        "facts.arrivals",
        "select exists (select from dialogpost.communication_party where her_id = k.sender) as sender_known,
            c.her_id as clinic, p.id as patient, p.fastlege,
            coalesce(
                (select id from dialogpost.message m where m.from_her_id = k.sender and m.msg_id = k.msg_id
                    and m.outcome in ('accepted', 'rejected')),
                (select id from dialogpost.message m where m.from_her_id = k.sender and m.msg_id = k.msg_id
                    and m.outcome = 'noted'),
                (select id from dialogpost.message m where m.from_her_id = k.sender and m.msg_id = k.msg_id
                    and m.outcome = 'booking')) as earlier,
            (select id from dialogpost.dialog d where d.patient = p.id and d.conversation = k.conversation
                and (d.kind = k.kind or k.kind = any(d.former_kinds)) order by d.kind = k.kind desc, opened_at limit 1) as dialog,
            case when k.newest then (select id from dialogpost.dialog d where d.patient = p.id
                and (d.kind = k.kind or k.kind = any(d.former_kinds)) and d.closed_at is null order by opened_at desc limit 1) end as newest_dialog
         from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[])
            with ordinality as k(sender, receiver, nin, msg_id, conversation, kind, newest, n)
         left join lateral (
            select her_id from dialogpost.clinic where her_id = k.receiver
            union all select clinic from dialogpost.employee where her_id = k.receiver limit 1
         ) c on true
         left join dialogpost.patient p on p.clinic = c.her_id and p.nin = k.nin
         order by k.n"
    );
    let rows = tx.query(facts, &[&from, &to, &patients, &msg_ids, &conversations, &kinds, &newest]).await?;
    rows.iter()
        .map(|r| {
            let clinic: Option<i64> = column(r, "clinic")?;
            let facts = Facts {
                sender_known: column(r, "sender_known")?,
                patient: column(r, "patient")?,
                fastlege: column(r, "fastlege")?,
                earlier: column(r, "earlier")?,
                dialog: column(r, "dialog")?,
                newest_dialog: column(r, "newest_dialog")?,
                ..Facts::default()
            };
            Ok((facts, clinic.and_then(|c| c.try_into().ok())))
        })
        .collect()
}

/// Which of the ids that receipts and error messages name are ours, and whom we sent them to: nobody else can receipt them.
async fn sent(tx: &Tx<'_>, keys: &[Keys]) -> Result<HashMap<Uuid, HerId>, StoreError> {
    let ids: Vec<Uuid> = keys.iter().flat_map(|k| k.sent.iter().copied()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sent = step!("facts.sent", "select id, to_her_id from dialogpost.message where id = any($1) and direction = 'out'");
    tx.query(sent, &[&ids]).await?.iter().map(|r| Ok((column(r, "id")?, clinic::her_id(r, "to_her_id")?))).collect()
}
