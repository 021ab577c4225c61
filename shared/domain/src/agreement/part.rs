//! Which message part a party can send or receive (nhn-messaging 4.1, 6.2, 6.3).

use super::lookup::Source;
use super::{AgreedParty, Agreement, Part, Role};
use crate::transport::is_code;
use messages::wire::apprec::AppRecVersion;
use messages::wire::namespaces::{APPREC_1_0, APPREC_1_1, DIALOG_1_0};
use messages::{Fault, HerId};

/// What a party does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It sends it.
    Sends,
    /// It receives it.
    Receives,
}

impl Direction {
    const fn opposite(self) -> Self {
        match self {
            Self::Sends => Self::Receives,
            Self::Receives => Self::Sends,
        }
    }

    fn of(self, role: &Role) -> &[Part] {
        match self {
            Self::Sends => &role.sends,
            Self::Receives => &role.receives,
        }
    }
}

/// Which queue a message belongs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Nobody waits for it; receipted by an AppRec.
    Async,
    /// The sender waits for the answer; no AppRec.
    Sync,
}

/// The part that is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Message function: the process, whatever its case.
    pub function: &'a str,
    /// Action within the process, as the newer generation names it (`HentLedigeTimer`, `Svar`); none = any. The older generation has
    /// one action for all, the function itself.
    pub action: Option<&'a str>,
    /// Namespaces of the XML that the message holds; a package that lacks one of them does not fit.
    pub namespaces: &'a [&'a str],
}

/// A part that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen<'a> {
    /// The party's side of the process; none where nothing was agreed and the usual is assumed.
    pub role: Option<&'a Role>,
    /// The part; likewise.
    pub part: Option<&'a Part>,
    /// Which queue, by the rule of its process; channels of agreements contradict each other.
    pub delivery: Delivery,
    /// Which AppRec answers it, or is it when a receipt was looked for; none = it is not receipted.
    pub receipt: Option<AppRecVersion>,
}

/// Why nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartFault {
    /// The party has not agreed to this function or action.
    #[error("HER-id {her_id} has not agreed to {function}")]
    NotAgreed {
        /// Message function.
        function: String,
        /// The party.
        her_id: HerId,
    },
    /// It has, but not with this content.
    #[error("HER-id {her_id} has agreed to {function}, but to no package with this content")]
    Package {
        /// Message function.
        function: String,
        /// The party.
        her_id: HerId,
    },
    /// Not over AMQP.
    #[error("HER-id {her_id} has agreed to {function}, but not over AMQP")]
    Protocol {
        /// Message function.
        function: String,
        /// The party.
        her_id: HerId,
    },
}

impl PartFault {
    /// As a fault of one message: only a new agreement heals it.
    pub fn fault(&self) -> Fault {
        let code = match self {
            Self::NotAgreed { .. } => "function-not-agreed",
            Self::Package { .. } => "package-not-agreed",
            Self::Protocol { .. } => "protocol-not-agreed",
        };
        Fault::broken(code, self.to_string())
    }
}

/// Which queue the messages of a process belong on (nhn-messaging 6.3).
pub fn delivery(function: &str, action: Option<&str>) -> Delivery {
    let is = |name: &str| function.eq_ignore_ascii_case(name);
    let does = |name: &str| action.is_some_and(|a| a.eq_ignore_ascii_case(name));
    let waits = is("DIALOG_INNBYGGER_TEST")
        || is("DIALOG_INNBYGGER_BEHANDLEROVERSIKT")
        || is("DIALOG_INNBYGGER_TIMERESERVASJON") && (does("HentLedigeTimer") || does("SvarLedigeTimer"));
    if waits { Delivery::Sync } else { Delivery::Async }
}

/// Which AppRec a process uses where no agreement says so: 1.0 with Dialogmelding 1.0, otherwise 1.1.
pub fn usual_receipt(function: &str, action: Option<&str>) -> Option<AppRecVersion> {
    let older = ["DIALOG_INNBYGGER_TIMER", "DIALOG_INNBYGGER_KOORDINATOR"].iter().any(|f| f.eq_ignore_ascii_case(function));
    match delivery(function, action) {
        Delivery::Sync => None,
        Delivery::Async if older => Some(AppRecVersion::V1_0),
        Delivery::Async => Some(AppRecVersion::V1_1),
    }
}

impl<'a> Source<'a> {
    /// The part of the other party; where only its certificates are known, the usual is assumed.
    ///
    /// # Errors
    /// As [`Agreement::part_for`].
    pub fn part_for(&self, direction: Direction, wanted: &Wanted<'_>) -> Result<Chosen<'a>, PartFault> {
        match self.agreement {
            Some(agreement) => agreement.part_for(self.other, direction, wanted),
            None => Ok(usual(wanted.function, wanted.action)),
        }
    }

    /// The part for the other party's receipts; where only its certificates are known, the usual is assumed.
    ///
    /// # Errors
    /// As [`Agreement::receipt_for`].
    pub fn receipt_for(&self, direction: Direction, receipted: &str) -> Result<Chosen<'a>, PartFault> {
        match self.agreement {
            Some(agreement) => agreement.receipt_for(self.other, direction, receipted),
            None => Ok(usual(receipted, None)),
        }
    }
}

fn usual(function: &str, action: Option<&str>) -> Chosen<'static> {
    Chosen { role: None, part: None, delivery: delivery(function, action), receipt: usual_receipt(function, action) }
}

/// A part and the role it stands in.
type Placed<'a> = (&'a Role, &'a Part);

impl Agreement {
    /// The part of a party that fits a message: of the process with the function's name, with this action and a package that holds the
    /// message's namespaces; the narrowest such package, then the first. An `APPREC` is no message here: see
    /// [`Agreement::receipt_for`].
    ///
    /// # Errors
    /// Nothing fits: nothing may be sent.
    pub fn part_for(&self, her_id: HerId, direction: Direction, wanted: &Wanted<'_>) -> Result<Chosen<'_>, PartFault> {
        let function = || shown(wanted.function);
        let acts = |part: &Part| {
            let is = |name: &str| part.action.eq_ignore_ascii_case(name);
            is(wanted.function) || wanted.action.is_none_or(is)
        };
        let agreed: Vec<Placed<'_>> = self
            .parts(her_id, direction, wanted.function)
            .into_iter()
            .filter(|(_, part)| acts(part) && !self.is_receipt(part))
            .collect();
        if agreed.is_empty() {
            return Err(PartFault::NotAgreed { function: function(), her_id });
        }
        let fitting: Vec<_> = agreed.into_iter().filter(|(_, part)| self.holds(part, wanted.namespaces)).collect();
        if fitting.is_empty() {
            return Err(PartFault::Package { function: function(), her_id });
        }
        let spare = |part: &Part| self.namespaces(part).len();
        let (role, part) = fitting
            .into_iter()
            .filter(|(_, part)| over_amqp(part))
            .min_by_key(|(_, part)| spare(part))
            .ok_or_else(|| PartFault::Protocol { function: function(), her_id })?;
        let delivery = delivery(wanted.function, wanted.action.or(Some(&part.action)));
        let receipt = (delivery == Delivery::Async).then(|| self.receipt_of(her_id, role, direction)).flatten();
        Ok(Chosen { role: Some(role), part: Some(part), delivery, receipt })
    }

    /// The part for the AppRecs of a process, found through the function they receipt.
    ///
    /// # Errors
    /// The process has no AppRec: nothing may be sent.
    pub fn receipt_for(&self, her_id: HerId, direction: Direction, receipted: &str) -> Result<Chosen<'_>, PartFault> {
        let parts = self.parts(her_id, direction, receipted);
        let receipts: Vec<_> = parts.into_iter().filter(|(_, part)| self.is_receipt(part)).collect();
        if receipts.is_empty() {
            return Err(PartFault::NotAgreed { function: format!("APPREC of {}", shown(receipted)), her_id });
        }
        let (role, part) = receipts
            .into_iter()
            .find(|(_, part)| over_amqp(part))
            .ok_or_else(|| PartFault::Protocol { function: format!("APPREC of {}", shown(receipted)), her_id })?;
        Ok(Chosen { role: Some(role), part: Some(part), delivery: Delivery::Async, receipt: Some(self.version(role, part)) })
    }

    /// The parts of the process that a function names; without such a process, those whose action it names.
    fn parts(&self, her_id: HerId, direction: Direction, function: &str) -> Vec<Placed<'_>> {
        let roles = || self.party(her_id).into_iter().flat_map(|p: &AgreedParty| &p.roles);
        let placed = move |role| direction.of(role).iter().map(move |part| (role, part));
        let named = |role: &&Role| role.process.eq_ignore_ascii_case(function);
        if roles().any(|role| named(&role)) {
            return roles().filter(named).flat_map(placed).collect();
        }
        roles().flat_map(placed).filter(|(_, part)| part.action.eq_ignore_ascii_case(function)).collect()
    }

    /// The AppRec that goes the other way of a part in a role: of the same role, else of the same process.
    fn receipt_of(&self, her_id: HerId, role: &Role, direction: Direction) -> Option<AppRecVersion> {
        let own = direction.opposite().of(role).iter().map(|part| (role, part));
        let others = [direction.opposite(), direction].into_iter().flat_map(|d| self.parts(her_id, d, &role.process));
        own.chain(others).find(|(_, part)| self.is_receipt(part)).map(|(role, part)| self.version(role, part))
    }

    /// Whether it is for AppRecs. One seen in use calls its AppRec `Svar`, and only the package tells.
    fn is_receipt(&self, part: &Part) -> bool {
        let namespaces = self.namespaces(part);
        part.action.eq_ignore_ascii_case("APPREC") || !namespaces.is_empty() && namespaces.iter().all(|n| is_apprec(n))
    }

    /// By its package; one seen in use names that of the dialog instead, and then the process tells.
    fn version(&self, role: &Role, part: &Part) -> AppRecVersion {
        let has = |part: &Part, wanted: &str| self.namespaces(part).iter().any(|n| n == wanted);
        let older = has(part, APPREC_1_0)
            || !has(part, APPREC_1_1) && role.sends.iter().chain(&role.receives).any(|part| has(part, DIALOG_1_0));
        if older { AppRecVersion::V1_0 } else { AppRecVersion::V1_1 }
    }

    /// Whether its package holds all of these; a package that is not described holds anything.
    fn holds(&self, part: &Part, namespaces: &[&str]) -> bool {
        let held = self.namespaces(part);
        held.is_empty() || namespaces.iter().all(|wanted| held.iter().any(|n| n == wanted))
    }
}

fn is_apprec(namespace: &str) -> bool {
    namespace == APPREC_1_0 || namespace == APPREC_1_1
}

/// A channel that is not described is taken for AMQP: the queue comes from the address registry anyhow.
fn over_amqp(part: &Part) -> bool {
    part.protocol.as_deref().is_none_or(|p| p.eq_ignore_ascii_case("AMQP"))
}

/// A function as a fault may show it.
fn shown(function: &str) -> String {
    if is_code(function) { function.to_ascii_uppercase() } else { "an unknown function".to_owned() }
}
