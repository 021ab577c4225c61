//! AppRec 1.0 and 1.1.

use super::hodemelding::{Code, Organisation};
use serde::{Deserialize, Serialize};

/// Which schema an AppRec follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppRecVersion {
    /// `…/apprec/2004-11-21`, for processes on Dialogmelding 1.0.
    V1_0,
    /// `…/apprec/2012-02-15`, for processes on Dialogmelding 1.1.
    V1_1,
}

/// An AppRec to be written. The parties keep the shape of the message's header; the writer turns them into `HCP`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRec {
    /// Which schema.
    pub version: AppRecVersion,
    /// The receipt's own id.
    pub id: String,
    /// xs:dateTime with offset, at most milliseconds.
    pub gen_date: String,
    /// Who receipts: the receiver of the original.
    pub sender: Organisation,
    /// Who gets it: the sender of the original.
    pub receiver: Organisation,
    /// 8258: 1 OK, 2 rejected.
    pub status: Code,
    /// 8221; at least one when rejected.
    pub errors: Vec<Code>,
    /// `MsgInfo/Type` of the original.
    pub original_type: Code,
    /// `GenDate` of the original, verbatim.
    pub original_gen_date: String,
    /// `MsgId` of the original, verbatim.
    pub original_id: String,
}

/// An AppRec as read: everything a sender may leave out is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceivedAppRec {
    /// Whether it is in the 1.1 namespace.
    pub is_1_1: bool,
    /// `Id`.
    pub id: Option<String>,
    /// `Sender` level-2 HER-id (`HCPerson` or `Dept`, else `Inst`), also from `AdditionalId`.
    pub sender_her_id: Option<String>,
    /// `Receiver` level-2 HER-id.
    pub receiver_her_id: Option<String>,
    /// `Status` (8258).
    pub status: Option<Code>,
    /// `Error` (8221 and others).
    pub errors: Vec<Code>,
    /// `OriginalMsgId/MsgType`.
    pub original_type: Option<Code>,
    /// `OriginalMsgId/Id`.
    pub original_id: Option<String>,
}
