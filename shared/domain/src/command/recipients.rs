//! Who receives messages of a kind (R2, R3): chosen by a command, told to whoever asks; and rules that point to nobody.

use crate::clinic::{Clinic, Recipient, RoutingRule, RuleFault, SetKey, SetKind, label_of, set_of};
use messages::command::answer::{Choosable, ChosenBy, Named, Recipients, RuleInForce};
use messages::command::order::SetRecipients;
use messages::command::refusal::{Refusal, Why};
use messages::event::DialogKind;
use std::collections::BTreeMap;

/// Short name of the role that may choose.
pub const ADMINISTRATOR: &str = "administrator";

/// A rule that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The rule; none = the kind's default (R3).
    pub rule: Option<RoutingRule>,
    /// Labels of the chosen who are nobody at present: messages for them alone go to the whole clinic, flagged (R4).
    pub nobody: Vec<String>,
}

/// Chooses.
///
/// # Errors
/// Who asks is no employee or no administrator; a recipient is missing, unknown, or has no place there.
pub fn set_recipients(clinic: &Clinic, actor: &str, order: &SetRecipients) -> Result<Chosen, Refusal> {
    if !clinic.employees.contains_key(actor) {
        return Err(Refusal::of("actor", Why::ActorUnknown));
    }
    let administrators = clinic.sets.get(&(SetKind::Role, ADMINISTRATOR.to_owned()));
    if !administrators.is_some_and(|members| members.iter().any(|member| member == actor)) {
        return Err(Refusal::of("actor", Why::RoleMissing));
    }
    let rule = RoutingRule::new(order.mode, order.recipients.clone()).map_err(|fault| {
        let why = match fault {
            RuleFault::RecipientUnwanted => Why::RecipientUnwanted,
            RuleFault::RecipientMissing => Why::RecipientMissing,
        };
        Refusal::of("arguments.recipients", why)
    })?;
    let is_unknown = |recipient: &Recipient| match set_of(recipient) {
        Some(set) => !clinic.sets.contains_key(&set),
        None => *recipient == Recipient::Clinic(false),
    };
    if let Some(n) = order.recipients.iter().position(is_unknown) {
        return Err(Refusal::of(&format!("arguments.recipients[{n}]"), Why::RecipientUnknown));
    }
    let nobody = order.recipients.iter().filter(|r| is_nobody(clinic, r)).map(label_of).collect();
    Ok(Chosen { rule, nobody })
}

fn is_nobody(clinic: &Clinic, recipient: &Recipient) -> bool {
    match set_of(recipient) {
        None => clinic.employees.is_empty(),
        Some(set) => {
            let members = clinic.sets.get(&set);
            !members.is_some_and(|members| members.iter().any(|member| clinic.employees.contains_key(member)))
        }
    }
}

fn nobody_of(clinic: &Clinic, rule: &RoutingRule) -> Vec<String> {
    rule.parts().1.iter().filter(|r| is_nobody(clinic, r)).map(label_of).collect()
}

/// Recipients of the clinic's own rules who are nobody at present, by kind.
pub fn lint(clinic: &Clinic) -> Vec<(DialogKind, String)> {
    let of = |(kind, rule): (&DialogKind, &RoutingRule)| {
        nobody_of(clinic, rule).into_iter().map(|label| (*kind, label)).collect::<Vec<_>>()
    };
    clinic.routing.iter().flat_map(of).collect()
}

/// What people call those who can be chosen, and who chose the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Employees, by id.
    pub employees: BTreeMap<String, String>,
    /// Positions, groups and roles.
    pub sets: BTreeMap<SetKey, String>,
    /// Ids of the employees who chose by command; the other rules are the set-up file's.
    pub chosen_by: BTreeMap<DialogKind, String>,
}

/// Who receives what, and who could.
pub fn show_recipients(clinic: &Clinic, names: &Names) -> Recipients {
    let sets = |kind: SetKind| {
        let of_kind = clinic.sets.iter().filter(move |((of, _), _)| *of == kind);
        let named = |(key, members): (&SetKey, &Vec<String>)| named(&key.1, names.sets.get(key), members.clone());
        of_kind.map(named).collect()
    };
    let choosable = Choosable { positions: sets(SetKind::Position), groups: sets(SetKind::Group), roles: sets(SetKind::Role) };
    let rules = DialogKind::ALL.into_iter().map(|kind| in_force(clinic, names, kind)).collect();
    let employees = clinic.employees.keys().map(|id| named(id, names.employees.get(id), Vec::new())).collect();
    Recipients { rules, choosable, employees }
}

fn named(id: &str, name: Option<&String>, members: Vec<String>) -> Named {
    Named { id: id.to_owned(), name: name.cloned().unwrap_or_default(), members }
}

fn in_force(clinic: &Clinic, names: &Names, kind: DialogKind) -> RuleInForce {
    let own = clinic.routing.get(&kind);
    let rule = own.cloned().unwrap_or_else(|| RoutingRule::default_for(kind));
    let chosen_by = match (names.chosen_by.get(&kind), own) {
        (Some(employee), _) => ChosenBy::Employee { employee: employee.clone() },
        (None, Some(_)) => ChosenBy::SetUpFile,
        (None, None) => ChosenBy::Nobody,
    };
    let (mode, recipients) = rule.parts();
    let nobody = nobody_of(clinic, &rule);
    RuleInForce { kind, mode, recipients: recipients.to_vec(), is_default: own.is_none(), chosen_by, nobody }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clinic::Employee;
    use messages::command::order::RecipientMode;

    fn clinic() -> Clinic {
        let employee = |id: &str| (id.to_owned(), Employee { her_id: None, services: vec![] });
        let set = |kind, id: &str, members: &[&str]| ((kind, id.to_owned()), members.iter().map(|m| (*m).to_owned()).collect());
        Clinic {
            her_id: 8_141_333.try_into().unwrap(),
            nhn_member: true,
            digital_dialog_ordered: true,
            employees: [employee("kari"), employee("siri")].into(),
            sets: [
                set(SetKind::Role, ADMINISTRATOR, &["siri"]),
                set(SetKind::Group, "legene", &["kari"]),
                set(SetKind::Group, "vikarer", &[]),
                set(SetKind::Position, "lab", &["gone"]),
            ]
            .into(),
            command_users: [].into(),
            booking: Default::default(),
            routing: [(DialogKind::EKontakt, RoutingRule::Fast { recipients: vec![Recipient::Group("vikarer".into())] })].into(),
        }
    }

    fn order(mode: RecipientMode, recipients: Vec<Recipient>) -> SetRecipients {
        SetRecipients { kind: DialogKind::EKontakt, mode, recipients }
    }

    #[test]
    fn who_may_choose_whom() {
        use Recipient::{Clinic, Group, Position, Role};
        use RecipientMode::{Behandler, Default, Fast, FastOgBehandler};
        let group = |id: &str| Group(id.into());
        let table = [
            ("ola", order(Behandler, vec![]), Err(("actor-unknown", "actor"))),
            ("kari", order(Behandler, vec![]), Err(("role-missing", "actor"))),
            ("siri", order(Behandler, vec![group("legene")]), Err(("recipient-unwanted", "arguments.recipients"))),
            ("siri", order(Fast, vec![]), Err(("recipient-missing", "arguments.recipients"))),
            ("siri", order(FastOgBehandler, vec![]), Err(("recipient-missing", "arguments.recipients"))),
            ("siri", order(Fast, vec![group("legene"), Role("x".into())]), Err(("recipient-unknown", "arguments.recipients[1]"))),
            ("siri", order(Fast, vec![Clinic(false)]), Err(("recipient-unknown", "arguments.recipients[0]"))),
            ("siri", order(Default, vec![Clinic(true)]), Err(("recipient-unwanted", "arguments.recipients"))),
            ("siri", order(Behandler, vec![]), Ok(vec![])),
            ("siri", order(Default, vec![]), Ok(vec![])),
            ("siri", order(Fast, vec![group("legene"), Clinic(true)]), Ok(vec![])),
            (
                "siri",
                order(FastOgBehandler, vec![group("vikarer"), Position("lab".into()), group("legene")]),
                Ok(vec!["group:vikarer", "position:lab"]),
            ),
        ];
        for (actor, order, want) in table {
            let got = set_recipients(&clinic(), actor, &order);
            let got =
                got.as_ref().map(|chosen| chosen.nobody.clone()).map_err(|r| (r.code.as_str(), r.field.as_deref().unwrap()));
            assert_eq!(got, want.map(|nobody| nobody.into_iter().map(str::to_owned).collect()), "{actor} {order:?}");
        }
    }

    #[test]
    fn rules_that_point_to_nobody_are_found() {
        assert_eq!(lint(&clinic()), [(DialogKind::EKontakt, "group:vikarer".to_owned())]);
    }

    #[test]
    fn r3_the_default_is_no_rule() {
        let of = |mode| set_recipients(&clinic(), "siri", &order(mode, vec![])).unwrap().rule;
        assert_eq!((of(RecipientMode::Default), of(RecipientMode::Behandler)), (None, Some(RoutingRule::Behandler)));
    }

    #[test]
    fn r2_r3_what_is_in_force_and_who_chose_it() {
        let mut names = Names {
            employees: [("kari".to_owned(), "Kari Lunde".to_owned())].into(),
            sets: [((SetKind::Position, "lab".to_owned()), "Laboratorium".to_owned())].into(),
            chosen_by: [(DialogKind::EKonsultasjon, "siri".to_owned())].into(),
        };
        let shown = show_recipients(&clinic(), &names);
        let told = |n: usize| {
            let rule = shown.rules.get(n).unwrap();
            (rule.mode, rule.is_default, rule.chosen_by.clone(), rule.nobody.join(" "))
        };
        let siri = || ChosenBy::Employee { employee: "siri".into() };
        assert_eq!(told(0), (RecipientMode::Fast, false, ChosenBy::SetUpFile, "group:vikarer".to_owned()));
        assert_eq!(told(1), (RecipientMode::Behandler, true, siri(), String::new()), "the default, and chosen");
        assert_eq!(told(2), (RecipientMode::Fast, true, ChosenBy::Nobody, String::new()));
        let named = |n: &Named| format!("{}={}={}", n.id, n.name, n.members.join(" "));
        let all = |list: &[Named]| list.iter().map(named).collect::<Vec<_>>();
        assert_eq!(all(&shown.choosable.positions), ["lab=Laboratorium=gone"]);
        assert_eq!(all(&shown.choosable.groups), ["legene==kari", "vikarer=="]);
        assert_eq!(all(&shown.choosable.roles), ["administrator==siri"]);
        assert_eq!(all(&shown.employees), ["kari=Kari Lunde=", "siri=="]);
        names.chosen_by.insert(DialogKind::EKontakt, "siri".into());
        assert_eq!(show_recipients(&clinic(), &names).rules.first().unwrap().chosen_by, siri());
    }
}
