//! What is sent, in its order, and what must become of each.

use helsenorge::example::{HELSENORGE, KARI, SOLBAKKEN};
use helsenorge::{Load, Message, Sent, synthetic_patients};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::str::FromStr;

const TEXT: &str = "Hei! Kneet har vært hovent siden løpeturen på lørdag, og det er vondt å gå i trapper. ";
const CLINIC: &str = include_str!("../../fixtures/clinic.json");

/// Shares of kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mix(Vec<(Kind, u32)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Ekonsultasjon,
    Ekontakt,
    Reseptfornyelse,
}

impl Kind {
    const ALL: [(&str, Self); 3] =
        [("ekonsultasjon", Self::Ekonsultasjon), ("ekontakt", Self::Ekontakt), ("reseptfornyelse", Self::Reseptfornyelse)];

    fn message(self) -> Message {
        match self {
            Self::Ekonsultasjon => Message::ekonsultasjon().to_doctor(SOLBAKKEN, KARI),
            Self::Ekontakt => Message::ekontakt(),
            Self::Reseptfornyelse => Message::reseptfornyelse().to_doctor(SOLBAKKEN, KARI),
        }
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let share = |part: &str| {
            let (name, number) = part.split_once('=').ok_or_else(|| format!("{part}: expected KIND=SHARE"))?;
            let names = || Kind::ALL.map(|(name, _)| name).join(", ");
            let kind = Kind::ALL.iter().find(|(known, _)| *known == name.trim());
            let (_, kind) = kind.ok_or_else(|| format!("there is no {name}: expected one of {}", names()))?;
            let number = number.trim().parse().ok().filter(|n| *n <= 1000);
            Ok((*kind, number.ok_or_else(|| format!("{name}: expected a share of 0 to 1000"))?))
        };
        let shares = text.split(',').map(share).collect::<Result<Vec<(Kind, u32)>, String>>()?;
        if shares.iter().all(|(_, share)| *share == 0) { Err("all shares are 0".to_owned()) } else { Ok(Self(shares)) }
    }
}

impl Mix {
    fn choose(&self, random: &mut StdRng) -> Kind {
        let all: u32 = self.0.iter().map(|(_, share)| share).sum();
        let mut place = random.random_range(0..all);
        for (kind, share) in &self.0 {
            if place < *share {
                return *kind;
            }
            place -= share;
        }
        self.0[0].0
    }
}

/// What must become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// Stored, routed, receipted once.
    Accepted,
    /// Came in the same envelope before: nothing happens.
    Redelivered,
    /// Came in another envelope before: the same receipt once more.
    Repeated,
    /// A negative receipt.
    Rejected,
    /// An error message.
    Refused,
}

/// A message with what must become of it.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) sent: Sent,
    pub(crate) end: End,
}

/// What is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) messages: usize,
    pub(crate) mix: Mix,
    pub(crate) text: usize,
    pub(crate) duplicates: u32,
    pub(crate) bad: u32,
    pub(crate) patients: usize,
    pub(crate) seed: u64,
    /// Makes ids of this run alone.
    pub(crate) run: u64,
}

/// Everything in its order: of so many messages some are bad, some come again a little later.
pub(crate) fn shots(order: &Order) -> Vec<Shot> {
    let mut random = StdRng::seed_from_u64(order.seed);
    let text: String = TEXT.chars().cycle().take(order.text).collect();
    let patients = synthetic_patients(order.patients + 1);
    let (strangers, patients) = (patients[order.patients..].to_vec(), patients[..order.patients].to_vec());
    let mut of = HashMap::new();
    for (n, (_, kind)) in Kind::ALL.into_iter().enumerate() {
        let load = Load { template: kind.message().text(&text), patients: patients.clone() };
        of.insert(kind, load.generate(order.messages, order.run ^ (n as u64 + 1)));
    }
    let mut foreign =
        Load { template: Message::ekontakt().text(&text), patients: strangers }.generate(order.messages, order.run ^ 99);
    let mut shots = Vec::with_capacity(order.messages);
    let mut again: Vec<(usize, Shot)> = Vec::new();
    while shots.len() < order.messages {
        if let Some(n) = again.iter().position(|(due, _)| *due <= shots.len()) {
            shots.push(again.swap_remove(n).1);
            continue;
        }
        let sent = of.get_mut(&order.mix.choose(&mut random)).and_then(Iterator::next).expect("as many as are asked for");
        let shot = match random.random_range(0..100) < order.bad {
            true => bad(sent, &mut foreign, &mut random),
            false => Shot { sent, end: End::Accepted },
        };
        if shot.end == End::Accepted && random.random_range(0..100) < order.duplicates {
            let later = shots.len() + random.random_range(1..200);
            again.push((later, copy(&shot.sent, &mut random, order.run)));
        }
        shots.push(shot);
    }
    shots
}

/// Three ways of being bad.
fn bad(sent: Sent, foreign: &mut impl Iterator<Item = Sent>, random: &mut StdRng) -> Shot {
    match random.random_range(0..3) {
        0 => Shot { sent: Sent { body: "dette er ikke XML".into(), ..sent }, end: End::Refused },
        1 => Shot { sent: foreign.next().expect("as many as are asked for"), end: End::Rejected },
        _ => {
            let mut sent = sent;
            sent.properties.application.remove("toHerId");
            Shot { sent, end: End::Refused }
        }
    }
}

fn copy(sent: &Sent, random: &mut StdRng, run: u64) -> Shot {
    if random.random_bool(0.5) {
        return Shot { sent: sent.clone(), end: End::Redelivered };
    }
    let id = format!("{}-{run:x}", sent.transport_id);
    let mut properties = sent.properties.clone();
    (properties.message_id, properties.correlation_id) = (Some(id.clone()), Some(id.clone()));
    Shot { sent: Sent { transport_id: id, properties, ..sent.clone() }, end: End::Repeated }
}

/// The example clinic with so many patients, all of them Kari's.
pub(crate) fn setup(patients: usize) -> Value {
    let mut setup: Value = serde_json::from_str(CLINIC).expect("the fixture is JSON");
    let patients = synthetic_patients(patients);
    setup["clinics"][0]["patients"] = patients.iter().map(|patient| patient.to_setup(Some("kari"))).collect();
    debug_assert_eq!(setup["parties"][0]["her_id"], json!(HELSENORGE));
    setup
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn order(duplicates: u32, bad: u32) -> Order {
        let mix = "ekonsultasjon=6,ekontakt=3,reseptfornyelse=1".parse().unwrap();
        Order { messages: 3000, mix, text: 100, duplicates, bad, patients: 50, seed: 7, run: 11 }
    }

    fn count(shots: &[Shot], end: End) -> usize {
        shots.iter().filter(|shot| shot.end == end).count()
    }

    #[test]
    fn shares_are_kept_and_ids_are_used_once() {
        let shots = shots(&order(10, 5));
        assert_eq!(shots.len(), 3000);
        let accepted: Vec<&Shot> = shots.iter().filter(|shot| shot.end == End::Accepted).collect();
        let ids: HashSet<&str> = accepted.iter().map(|shot| shot.sent.msg_id.as_str()).collect();
        assert_eq!(ids.len(), accepted.len());
        let twice = count(&shots, End::Redelivered) + count(&shots, End::Repeated);
        let bad = count(&shots, End::Rejected) + count(&shots, End::Refused);
        assert!((180..420).contains(&twice) && (80..220).contains(&bad), "{twice} {bad}");
        let of = |subject: &str| accepted.iter().filter(|shot| shot.sent.properties.subject.as_deref() == Some(subject)).count();
        assert!(of("DIALOG_INNBYGGER_EKONSULTASJON") > of("DIALOG_INNBYGGER_EKONTAKT"));
        assert!(of("DIALOG_INNBYGGER_EKONTAKT") > of("DIALOG_INNBYGGER_RESEPTFORNYELSE"));
    }

    #[test]
    fn what_comes_again_comes_after_what_it_repeats() {
        let mut seen = HashSet::new();
        for shot in shots(&order(30, 0)) {
            match shot.end {
                End::Accepted => assert!(seen.insert(shot.sent.msg_id)),
                _ => assert!(seen.contains(&shot.sent.msg_id)),
            }
        }
    }

    #[test]
    fn a_mix_is_read_and_refused_by_name() {
        assert_eq!("ekontakt=1".parse::<Mix>().unwrap(), Mix(vec![(Kind::Ekontakt, 1)]));
        for text in ["", "ekontakt", "ekontakt=x", "time=1", "ekontakt=0"] {
            assert!(text.parse::<Mix>().is_err(), "{text}");
        }
    }
}
