//! What a command does, decided and not yet done.

use super::compose::Body;
use super::dialog::Kind;
use crate::appointment::NewVersion;
use crate::entry::Form;
use messages::command::answer::Done;
use messages::event::DialogKind;
use messages::{HerId, Sensitive};
use uuid::Uuid;

/// What a command does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// The dialog.
    pub dialog: Uuid,
    /// What is written in it.
    pub written: Option<Written>,
    /// It is ended.
    pub closes: bool,
    /// It goes on under another kind: from, to.
    pub converts: Option<(DialogKind, DialogKind)>,
    /// Its title from now on, when that changes.
    pub title: Option<Sensitive<String>>,
    /// The appointment that it makes or changes.
    pub appointment: Option<Box<NewVersion>>,
    /// What the caller is told.
    pub done: Done,
}

/// A message that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its id.
    pub entry: Uuid,
    /// The dialog that it opens, if it does.
    pub opens: Option<Opening>,
    /// Request or answer.
    pub form: Form,
    /// `TypeForesp` (7601) or `TemaKodet` (7602); none of what HelseNorge never sees.
    pub code: Option<&'static str>,
    /// Subject line.
    pub subject: Option<Sensitive<String>>,
    /// The text; empty when a dialog is ended without a word.
    pub text: Sensitive<String>,
    /// The prescription request that it answers.
    pub answers: Option<Uuid>,
    /// Its files, in order.
    pub files: Vec<File>,
    /// Whom it goes to.
    pub post: Post,
}

/// A dialog that is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Its kind.
    pub kind: Kind,
    /// Its title.
    pub title: Sensitive<String>,
    /// The patient; none between colleagues.
    pub patient: Option<Uuid>,
    /// Those between whom it is, when it is between colleagues.
    pub participants: Vec<String>,
}

/// A file that goes along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: Sensitive<String>,
    /// Under which it was uploaded.
    pub upload: Uuid,
    /// By its leading bytes.
    pub media_type: &'static str,
}

/// Whom a message goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Post {
    /// The patient, on HelseNorge.
    HelseNorge {
        /// The process it belongs to.
        kind: DialogKind,
        /// Who sends: the clinic or one of its doctors.
        from: HerId,
        /// HelseNorge.
        to: HerId,
        /// What it says.
        body: Body,
    },
    /// The patient, in the vendor's own portal.
    Portal(Uuid),
    /// These colleagues.
    Colleagues(Vec<String>),
}

impl Deed {
    pub(super) const fn closing(dialog: Uuid) -> Self {
        Self {
            dialog,
            written: None,
            closes: true,
            converts: None,
            title: None,
            appointment: None,
            done: Done::Closed { dialog },
        }
    }

    pub(super) const fn writing(dialog: Uuid, written: Written) -> Self {
        let done = Done::Written { dialog, entry: written.entry };
        Self { dialog, written: Some(written), closes: false, converts: None, title: None, appointment: None, done }
    }
}

impl Written {
    pub(super) const fn of(entry: Uuid, form: Form, code: Option<&'static str>, text: Sensitive<String>, post: Post) -> Self {
        Self { entry, opens: None, form, code, subject: None, text, answers: None, files: Vec::new(), post }
    }
}
