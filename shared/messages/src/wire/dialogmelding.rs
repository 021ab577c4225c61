//! Dialogmelding 1.1 (and 1.0 for reading).

use super::hodemelding::Code;
use crate::Sensitive;
use jiff::civil::Date;

/// Which schema a dialogmelding follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialogmeldingVersion {
    /// `…/dialog/2006-10-11`.
    V1_0,
    /// `…/dialog/2013-01-23`.
    V1_1,
}

/// `Dialogmelding`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialogmelding {
    /// Which schema.
    pub version: DialogmeldingVersion,
    /// Requests.
    pub foresporsel: Vec<Foresporsel>,
    /// Answers and notes.
    pub notat: Vec<Notat>,
}

/// `Foresporsel`: a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foresporsel {
    /// `TypeForesp` (7601).
    pub type_foresp: Option<Code>,
    /// `EmneSporsmal`: the subject.
    pub emne_sporsmal: Option<Sensitive<String>>,
    /// `Sporsmal`: the text, XHTML reduced to plain text with its line breaks.
    pub sporsmal: Option<Sensitive<String>>,
    /// `FraDato`: the first day that is asked about.
    pub fra_dato: Option<Date>,
    /// `TilDato`: the last.
    pub til_dato: Option<Date>,
    /// `KodetOpplysning` (8324): how a renewed paper prescription is delivered.
    pub kodet_opplysning: Option<Code>,
}

/// `Notat`: an answer or a note.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notat {
    /// `TemaKodet` (7602).
    pub tema_kodet: Option<Code>,
    /// `Tema`.
    pub tema: Option<Sensitive<String>>,
    /// `TekstNotatInnhold`: the text, XHTML reduced to plain text with its line breaks.
    pub tekst: Option<Sensitive<String>>,
    /// `Merknad`.
    pub merknad: Option<Sensitive<String>>,
    /// The request being answered, echoed.
    pub foresporsel: Option<Foresporsel>,
}
