//! What a replay would do, and why not.

use super::State;
use uuid::Uuid;

/// What is known of a letter that somebody wants to replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Where it stands.
    pub state: State,
    /// The worker that gave it up.
    pub worker: String,
    /// Whether this release has that worker.
    pub is_worker_known: bool,
    /// Whether it could not be sent, rather than handled.
    pub is_unsent: bool,
    /// Of what could not be sent: whether it is known where to.
    pub is_destination_known: bool,
    /// Whether it is known what makes its effect happen once.
    pub is_claim_known: bool,
    /// Whether it is a command whose caller was told that nothing was done.
    pub is_caller_told: bool,
    /// Whether it is a command to a clinic that takes them of certain users of the broker only: nobody vouches for who gave it any more.
    pub is_user_lost: bool,
    /// Whether it is a reminder that could not be sent: nobody would look whether it still holds.
    pub is_reminder: bool,
    /// An earlier letter of the same dialog or appointment that is open and not to be replayed before this one.
    pub waits_for: Option<Uuid>,
}

/// Why a letter is not replayed. In the order of what is looked at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Somebody decided so.
    Discarded,
    /// It was replayed, and is under way.
    UnderWay,
    /// It was replayed, and its effect has happened.
    Done,
    /// It was replayed and died again: that letter is the one to replay.
    DiedAgain,
    /// No worker of this release takes it.
    WorkerUnknown,
    /// It was stored by a release that kept neither exchange nor broker.
    DestinationUnknown,
    /// It was stored by a release that did not keep its claim: replayed, it would be taken for a repetition.
    ClaimUnknown,
    /// Its caller was told that nothing was done, and may have given it anew.
    CallerTold,
    /// Nobody vouches for who gave it any more.
    UserLost,
    /// It reminds of an appointment that may have changed since.
    Reminder,
    /// An earlier message of its dialog is dead.
    WaitsFor(Uuid),
}

impl Block {
    /// Stable, kebab-case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Discarded => "discarded",
            Self::UnderWay => "under-way",
            Self::Done => "done",
            Self::DiedAgain => "died-again",
            Self::WorkerUnknown => "worker-unknown",
            Self::DestinationUnknown => "destination-unknown",
            Self::ClaimUnknown => "claim-unknown",
            Self::CallerTold => "caller-told",
            Self::UserLost => "user-lost",
            Self::Reminder => "reminder",
            Self::WaitsFor(_) => "waits-for-earlier",
        }
    }

    /// For people: why, and what to do.
    pub fn text(self) -> String {
        match self {
            Self::Discarded => "it was discarded".to_owned(),
            Self::UnderWay => "it was replayed and is under way".to_owned(),
            Self::Done => "it was replayed and its effect has happened".to_owned(),
            Self::DiedAgain => "it was replayed and died again: replay the letter that it became".to_owned(),
            Self::WorkerUnknown => "no worker of this release takes it: discard it".to_owned(),
            Self::DestinationUnknown => "an earlier release stored it without where it was to go: discard it".to_owned(),
            Self::ClaimUnknown => {
                "an earlier release stored it without what makes its effect happen once: replayed, it would count as a repetition".to_owned()
            }
            Self::CallerTold => {
                "its caller was told that nothing was done and may have given it anew: let him give it, and discard this".to_owned()
            }
            Self::UserLost => {
                "its clinic takes commands of certain users of the broker only, and nobody vouches for who gave this: let him give it anew".to_owned()
            }
            Self::Reminder => "it reminds of an appointment that may have changed or begun since: discard it".to_owned(),
            Self::WaitsFor(earlier) => format!("an earlier message of its dialog is dead, or under way: first {earlier}"),
        }
    }
}

/// What a replay would do.
///
/// # Errors
/// Why it is not to be.
pub fn would(facts: &Facts) -> Result<&'static str, Block> {
    match facts.state {
        State::Discarded => return Err(Block::Discarded),
        State::UnderWay => return Err(Block::UnderWay),
        State::Done => return Err(Block::Done),
        State::DiedAgain => return Err(Block::DiedAgain),
        State::Open => {}
    }
    if facts.is_unsent {
        return match (facts.is_destination_known, facts.waits_for) {
            (false, _) => Err(Block::DestinationUnknown),
            (true, _) if facts.is_reminder => Err(Block::Reminder),
            (true, Some(earlier)) => Err(Block::WaitsFor(earlier)),
            (true, None) => Ok("is sent again under the same message id, to where its receiver is reached now"),
        };
    }
    let blocks = [
        (!facts.is_worker_known, Block::WorkerUnknown),
        (!facts.is_claim_known, Block::ClaimUnknown),
        (facts.is_caller_told, Block::CallerTold),
        (facts.is_user_lost, Block::UserLost),
    ];
    if let Some((_, block)) = blocks.into_iter().find(|(holds, _)| *holds) {
        return Err(block);
    }
    match facts.waits_for {
        Some(earlier) => Err(Block::WaitsFor(earlier)),
        None => Ok(effect_of(&facts.worker)),
    }
}

fn effect_of(worker: &str) -> &'static str {
    match worker {
        "helsenorge-inbound" => "is opened, checked and stored, and its sender answered",
        "recipient-routing" => "is put into the inboxes that the rules name now",
        "ekonsultasjon-journaling" => "is written into the patient's journal",
        "appointment-booking" => "is decided by how the timebok stands now, and answered",
        "appointment-notifications" => "is told to the patient, if it still holds and is not too late",
        "helsenorge-outbound" => "is written, sealed and sent",
        "clinic-commands" => "is decided, and answered if somebody waits",
        _ => "is handled again",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            state: State::Open,
            worker: "recipient-routing".into(),
            is_worker_known: true,
            is_unsent: false,
            is_destination_known: false,
            is_claim_known: true,
            is_caller_told: false,
            is_user_lost: false,
            is_reminder: false,
            waits_for: None,
        }
    }

    #[test]
    fn what_is_blocked_says_why() {
        let earlier = Uuid::from_u128(7);
        let table = [
            (facts(), Ok("is put into the inboxes that the rules name now")),
            (Facts { state: State::Discarded, ..facts() }, Err("discarded")),
            (Facts { state: State::UnderWay, ..facts() }, Err("under-way")),
            (Facts { state: State::Done, ..facts() }, Err("done")),
            (Facts { state: State::DiedAgain, is_worker_known: false, ..facts() }, Err("died-again")),
            (Facts { is_worker_known: false, is_claim_known: false, ..facts() }, Err("worker-unknown")),
            (Facts { is_claim_known: false, ..facts() }, Err("claim-unknown")),
            (Facts { is_caller_told: true, ..facts() }, Err("caller-told")),
            (Facts { is_user_lost: true, ..facts() }, Err("user-lost")),
            (Facts { is_unsent: true, is_destination_known: true, is_reminder: true, ..facts() }, Err("reminder")),
            (Facts { waits_for: Some(earlier), ..facts() }, Err("waits-for-earlier")),
            (Facts { is_unsent: true, ..facts() }, Err("destination-unknown")),
            (
                Facts { is_unsent: true, is_destination_known: true, is_claim_known: false, ..facts() },
                Ok("is sent again under the same message id, to where its receiver is reached now"),
            ),
            (
                Facts { is_unsent: true, is_destination_known: true, waits_for: Some(earlier), ..facts() },
                Err("waits-for-earlier"),
            ),
        ];
        for (facts, want) in table {
            assert_eq!(would(&facts).map_err(Block::code), want, "{facts:?}");
        }
        assert!(Block::WaitsFor(earlier).text().contains(&earlier.to_string()));
    }
}
