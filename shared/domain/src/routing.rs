//! Whose inbox a received message goes to (features R2–R4).

use crate::clinic::{Clinic, Recipient, RoutingRule, label_of, set_of};
use messages::event::DialogKind;
use std::collections::BTreeMap;

/// The recipients of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// Employee id → through which of the rule's recipients; one copy each, however many name him (R4).
    pub recipients: BTreeMap<String, Vec<String>>,
    /// Part of the rule resolved to nobody: someone should look at the rule.
    pub flagged: bool,
}

/// Label of the fastlege in an inbox item's `via`.
pub const BEHANDLER: &str = "behandler";
/// Label of who wrote what was turned down.
pub const TURNED_DOWN: &str = "turned-down";
/// Label of the whole clinic standing in for a rule that resolved to nobody.
pub const FALLBACK: &str = "fallback:clinic";

/// Resolves the clinic's rule for this kind of message, or the default rule (R3).
///
/// A rule that resolves to nobody falls back to the whole clinic (R4). `None` only when the clinic employs nobody at all.
pub fn recipients(clinic: &Clinic, kind: DialogKind, fastlege: Option<&str>) -> Option<Routed> {
    let default = RoutingRule::default_for(kind);
    let mut routed = Routed { recipients: BTreeMap::new(), flagged: false };
    match clinic.routing.get(&kind).unwrap_or(&default) {
        RoutingRule::Behandler => add_behandler(&mut routed, clinic, fastlege),
        RoutingRule::Fast { recipients } => add_fast(&mut routed, clinic, recipients),
        RoutingRule::FastOgBehandler { recipients } => {
            add_behandler(&mut routed, clinic, fastlege);
            add_fast(&mut routed, clinic, recipients);
        }
    }
    if routed.recipients.is_empty() {
        routed.flagged = true;
        add(&mut routed, clinic, clinic.employees.keys(), FALLBACK);
    }
    (!routed.recipients.is_empty()).then_some(routed)
}

/// Who learns that a message of the clinic was turned down (S5): who wrote it, or, when he has left, the whole clinic. Always flagged.
///
/// `None` only when the clinic employs nobody at all.
pub fn turned_down(clinic: &Clinic, author: Option<&str>) -> Option<Routed> {
    let mut routed = Routed { recipients: BTreeMap::new(), flagged: true };
    let author = author.map(str::to_owned);
    add(&mut routed, clinic, author.iter(), TURNED_DOWN);
    if routed.recipients.is_empty() {
        add(&mut routed, clinic, clinic.employees.keys(), TURNED_DOWN);
        add(&mut routed, clinic, clinic.employees.keys(), FALLBACK);
    }
    (!routed.recipients.is_empty()).then_some(routed)
}

/// Whether an item of an inbox is a message of the clinic that was turned down.
pub fn is_turned_down(via: &[String]) -> bool {
    via.iter().any(|label| label == TURNED_DOWN)
}

/// Whether an item of an inbox was delivered by a guess (R4): everything flagged but what its author himself must see.
pub fn is_guess(via: &[String], flagged: bool) -> bool {
    via.iter().any(|label| label == FALLBACK) || flagged && !is_turned_down(via)
}

fn add_behandler(routed: &mut Routed, clinic: &Clinic, fastlege: Option<&str>) {
    let fastlege = fastlege.map(str::to_owned);
    add(routed, clinic, fastlege.iter(), BEHANDLER);
}

fn add_fast(routed: &mut Routed, clinic: &Clinic, recipients: &[Recipient]) {
    for recipient in recipients {
        match set_of(recipient) {
            Some(key) => add(routed, clinic, clinic.sets.get(&key).into_iter().flatten(), &label_of(recipient)),
            None => add(routed, clinic, clinic.employees.keys(), &label_of(recipient)),
        }
    }
}

/// Adds those of `ids` who still work at the clinic; flags when that is nobody.
fn add<'a>(routed: &mut Routed, clinic: &Clinic, ids: impl Iterator<Item = &'a String>, via: &str) {
    let mut nobody = true;
    for id in ids.filter(|id| clinic.employees.contains_key(*id)) {
        nobody = false;
        routed.recipients.entry(id.clone()).or_default().push(via.to_owned());
    }
    routed.flagged |= nobody;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clinic::{Employee, SetKind};

    fn clinic(routing: Option<RoutingRule>) -> Clinic {
        let employee = |_| Employee { her_id: None, services: vec![] };
        let set = |kind, id: &str, members: &[&str]| ((kind, id.to_owned()), members.iter().map(|m| (*m).to_owned()).collect());
        Clinic {
            her_id: 1.try_into().unwrap(),
            nhn_member: true,
            digital_dialog_ordered: true,
            employees: ["kari", "ole", "siri"].map(|id| (id.to_owned(), employee(id))).into(),
            sets: [
                set(SetKind::Group, "legene", &["kari", "ole"]),
                set(SetKind::Role, "helsesekretaer", &["siri"]),
                set(SetKind::Position, "lab", &["siri"]),
                set(SetKind::Group, "tom", &[]),
                set(SetKind::Group, "sluttet", &["borte"]),
            ]
            .into(),
            command_users: [].into(),
            booking: Default::default(),
            routing: routing.map(|r| (DialogKind::EKontakt, r)).into_iter().collect(),
        }
    }

    fn fast(recipients: Vec<Recipient>) -> RoutingRule {
        RoutingRule::Fast { recipients }
    }

    fn who(rule: Option<RoutingRule>, kind: DialogKind, fastlege: Option<&str>) -> (Vec<String>, bool) {
        let routed = recipients(&clinic(rule), kind, fastlege).unwrap();
        (routed.recipients.into_keys().collect(), routed.flagged)
    }

    #[test]
    fn r2_r4_table() {
        use Recipient::{Clinic as Whole, Group, Position, Role};
        let group = |id: &str| Group(id.into());
        let lab = || Position("lab".into());
        let both = |r| RoutingRule::FastOgBehandler { recipients: r };
        type Row<'a> = (&'a str, RoutingRule, Option<&'a str>, &'a [&'a str], bool);
        let table: Vec<Row<'_>> = vec![
            ("behandler", RoutingRule::Behandler, Some("kari"), &["kari"], false),
            ("behandler gone", RoutingRule::Behandler, Some("borte"), &["kari", "ole", "siri"], true),
            ("no behandler", RoutingRule::Behandler, None, &["kari", "ole", "siri"], true),
            ("fast group", fast(vec![group("legene")]), Some("siri"), &["kari", "ole"], false),
            (
                "fast mix, one copy each",
                fast(vec![lab(), Role("helsesekretaer".into()), Whole(true)]),
                None,
                &["kari", "ole", "siri"],
                false,
            ),
            ("fast empty group", fast(vec![group("tom")]), Some("kari"), &["kari", "ole", "siri"], true),
            ("fast unknown group", fast(vec![group("finnes-ikke")]), None, &["kari", "ole", "siri"], true),
            ("members who left", fast(vec![group("sluttet")]), None, &["kari", "ole", "siri"], true),
            ("one part empty", fast(vec![group("tom"), lab()]), None, &["siri"], true),
            ("both", both(vec![lab()]), Some("ole"), &["ole", "siri"], false),
            ("both, behandler gone", both(vec![lab()]), None, &["siri"], true),
        ];
        for (name, rule, fastlege, want, flagged) in table {
            let want = want.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
            assert_eq!(who(Some(rule), DialogKind::EKontakt, fastlege), (want, flagged), "{name}");
        }
    }

    #[test]
    fn r3_defaults() {
        assert_eq!(who(None, DialogKind::EKonsultasjon, Some("kari")).0, ["kari"]);
        assert_eq!(who(None, DialogKind::EKontakt, Some("kari")).0, ["kari", "ole", "siri"]);
        for kind in [DialogKind::Reseptfornyelse, DialogKind::Timeonske] {
            assert_eq!(who(None, kind, None), (vec!["kari".into(), "ole".into(), "siri".into()], false), "{kind:?}");
        }
    }

    #[test]
    fn r4_via_names_every_reason() {
        let rule = fast(vec![Recipient::Position("lab".into()), Recipient::Role("helsesekretaer".into())]);
        let routed = recipients(&clinic(Some(rule)), DialogKind::EKontakt, None).unwrap();
        assert_eq!(routed.recipients.get("siri").unwrap(), &["position:lab", "role:helsesekretaer"]);
    }

    #[test]
    fn s5_who_wrote_it_learns_that_it_was_turned_down() {
        let of = |author| turned_down(&clinic(None), author).unwrap();
        let ole = of(Some("ole"));
        assert!(ole.flagged);
        assert_eq!(ole.recipients, [("ole".to_owned(), vec![TURNED_DOWN.to_owned()])].into());
        for gone in [Some("borte"), None] {
            let recipients = of(gone).recipients;
            assert!(recipients.values().all(|via| via == &[TURNED_DOWN, FALLBACK]), "{recipients:?}");
            assert_eq!(recipients.into_keys().collect::<Vec<_>>(), ["kari", "ole", "siri"]);
        }
    }

    #[test]
    fn r4_s5_what_an_item_of_an_inbox_is() {
        for (via, flagged, turned_down, guess) in [
            (&["behandler"][..], false, false, false),
            (&["position:lab"], true, false, true),
            (&[FALLBACK], true, false, true),
            (&[TURNED_DOWN], true, true, false),
            (&[TURNED_DOWN, FALLBACK], true, true, true),
        ] {
            let via: Vec<String> = via.iter().map(|label| (*label).to_owned()).collect();
            assert_eq!((is_turned_down(&via), is_guess(&via, flagged)), (turned_down, guess), "{via:?}");
        }
    }

    #[test]
    fn an_empty_clinic_has_no_recipient() {
        let mut clinic = clinic(None);
        clinic.employees.clear();
        assert_eq!(turned_down(&clinic, Some("ole")), None);
        assert_eq!(recipients(&clinic, DialogKind::EKontakt, None), None);
    }
}
