//! M1 prescriptions (`…/m1/2013-10-08`, `…/m1/2010-05-01`): what a list of requested renewals shows (message-formats 3.1).

use super::hodemelding::Code;
use crate::Sensitive;
use serde::{Deserialize, Serialize};

/// One prescription; everything may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resept {
    /// `NavnFormStyrke`, else `Varenavn`, else `Legemiddelblanding/Navn`, else the goods' name.
    pub name: Option<Sensitive<String>>,
    /// `Atc` (7180).
    pub atc: Option<Sensitive<Code>>,
    /// `DosVeiledEnkel`.
    pub dosage: Option<Sensitive<String>>,
    /// `Reseptgruppe/@V` (7421).
    pub reseptgruppe: Option<String>,
    /// `Forskrivningsdato`, as received.
    pub prescribed_on: Option<String>,
    /// `Utloper`, as received.
    pub expires_on: Option<String>,
    /// `Antall`: packages, as received.
    pub packages: Option<String>,
    /// `Reiterasjon`: refills, as received.
    pub refills: Option<String>,
    /// `Varenr`.
    pub varenr: Option<String>,
}
