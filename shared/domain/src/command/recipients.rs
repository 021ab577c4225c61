//! Who receives messages of a kind (R2), chosen by a command, and rules that point to nobody.

use crate::clinic::{Clinic, Recipient, RoutingRule, RuleFault, SetKind, label_of, set_of};
use messages::command::order::SetRecipients;
use messages::command::refusal::{Refusal, Why};
use messages::event::DialogKind;

/// Short name of the role that may choose.
pub const ADMINISTRATOR: &str = "administrator";

/// A rule that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The rule.
    pub rule: RoutingRule,
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

/// Recipients of the clinic's own rules who are nobody at present, by kind.
pub fn lint(clinic: &Clinic) -> Vec<(DialogKind, String)> {
    let of = |(kind, rule): (&DialogKind, &RoutingRule)| {
        let recipients = match rule {
            RoutingRule::Behandler => &[][..],
            RoutingRule::Fast { recipients } | RoutingRule::FastOgBehandler { recipients } => recipients,
        };
        recipients.iter().filter(|r| is_nobody(clinic, r)).map(|r| (*kind, label_of(r))).collect::<Vec<_>>()
    };
    clinic.routing.iter().flat_map(of).collect()
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
            routing: [(DialogKind::EKontakt, RoutingRule::Fast { recipients: vec![Recipient::Group("vikarer".into())] })].into(),
        }
    }

    fn order(mode: RecipientMode, recipients: Vec<Recipient>) -> SetRecipients {
        SetRecipients { kind: DialogKind::EKontakt, mode, recipients }
    }

    #[test]
    fn who_may_choose_whom() {
        use Recipient::{Clinic, Group, Position, Role};
        use RecipientMode::{Behandler, Fast, FastOgBehandler};
        let group = |id: &str| Group(id.into());
        let table = [
            ("ola", order(Behandler, vec![]), Err(("actor-unknown", "actor"))),
            ("kari", order(Behandler, vec![]), Err(("role-missing", "actor"))),
            ("siri", order(Behandler, vec![group("legene")]), Err(("recipient-unwanted", "arguments.recipients"))),
            ("siri", order(Fast, vec![]), Err(("recipient-missing", "arguments.recipients"))),
            ("siri", order(FastOgBehandler, vec![]), Err(("recipient-missing", "arguments.recipients"))),
            ("siri", order(Fast, vec![group("legene"), Role("x".into())]), Err(("recipient-unknown", "arguments.recipients[1]"))),
            ("siri", order(Fast, vec![Clinic(false)]), Err(("recipient-unknown", "arguments.recipients[0]"))),
            ("siri", order(Behandler, vec![]), Ok(vec![])),
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
}
