//! National identity numbers: eleven digits `DDMMYY iii k1 k2` (message-formats 7).
//!
//! Numbers issued from 2032 on may have any of four first control digits, and tell neither century nor sex. They are accepted already,
//! so neither is ever read from a number here.

use crate::Sensitive;
use crate::wire::days_in;

/// A national identity number that may stand for a person in a dialog: a fødselsnummer or a D-number.
///
/// Its `Debug` is redacted and it has no `Display`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId {
    digits: Sensitive<String>,
    kind: PersonIdKind,
    series: Series,
}

/// Which register a number is from, by its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PersonIdKind {
    /// Fødselsnummer.
    Fodselsnummer,
    /// D-number: day + 40.
    DNummer,
    /// Local help number: month + 40. Means something only where it was issued.
    HNummer,
    /// Common help number: begins with 8 or 9, has no birth date.
    FhNummer,
}

/// Whether a number can be a real person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Series {
    /// Real people.
    Ordinary,
    /// Synthetic, month + 80 (Tenor).
    TestPlus80,
    /// Synthetic, month + 40 (Dolly). The same shape as an H-number.
    TestPlus40,
}

/// The synthetic series an environment accepts. Production: none, the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TestSeries {
    /// Month + 80.
    pub plus_80: bool,
    /// Month + 40. H-numbers are then taken for synthetic people.
    pub plus_40: bool,
}

/// A text that names no test series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("test series are a comma-separated list of 80 and 40")]
pub struct BadTestSeries;

impl TestSeries {
    /// Real people only.
    pub const NONE: Self = Self { plus_80: false, plus_40: false };

    /// From configuration: `""`, `"80"`, `"40"` or `"80,40"`.
    ///
    /// # Errors
    /// [`BadTestSeries`] for anything else.
    pub fn from_config(text: &str) -> Result<Self, BadTestSeries> {
        let mut series = Self::NONE;
        for name in text.split(',').map(str::trim).filter(|_| !text.trim().is_empty()) {
            match name {
                "80" => series.plus_80 = true,
                "40" => series.plus_40 = true,
                _ => return Err(BadTestSeries),
            }
        }
        Ok(series)
    }
}

/// Why a text is no number we accept. Free of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPersonId {
    /// Not eleven ASCII digits.
    #[error("an identity number has eleven digits")]
    NotElevenDigits,
    /// No such date in any century.
    #[error("the identity number holds no date")]
    Date,
    /// The tenth digit.
    #[error("the identity number's first control digit is wrong")]
    ControlDigit1,
    /// The eleventh digit.
    #[error("the identity number's second control digit is wrong")]
    ControlDigit2,
    /// A synthetic series that this environment does not accept, or one that no environment does.
    #[error("the identity number is of a synthetic series that is not accepted here")]
    SeriesNotAllowed,
    /// A number of another kind than fødselsnummer and D-number.
    #[error("the identity number is of a kind that is not accepted")]
    KindNotAccepted(PersonIdKind),
}

impl PersonId {
    /// Reads a number as a sender wrote it, without white space around.
    ///
    /// # Errors
    /// [`BadPersonId`]: the first of shape, date, control digits, series and kind that is wrong.
    pub fn parse(text: &str, accepted: &TestSeries) -> Result<Self, BadPersonId> {
        let digits = digits_of(text).ok_or(BadPersonId::NotElevenDigits)?;
        let (kind, month) = kind_of(&digits)?;
        check_control_digits(&digits)?;
        let series = match month {
            Month::Ordinary => Series::Ordinary,
            Month::Plus80 if accepted.plus_80 => Series::TestPlus80,
            Month::Plus40 if accepted.plus_40 => Series::TestPlus40,
            Month::Plus40 => return Err(BadPersonId::KindNotAccepted(PersonIdKind::HNummer)),
            Month::Plus80 | Month::Foreign => return Err(BadPersonId::SeriesNotAllowed),
        };
        match kind {
            PersonIdKind::Fodselsnummer | PersonIdKind::DNummer => Ok(Self { digits: text.to_owned().into(), kind, series }),
            PersonIdKind::HNummer | PersonIdKind::FhNummer => Err(BadPersonId::KindNotAccepted(kind)),
        }
    }

    /// The eleven digits, for storing them or sending them to whom they belong.
    pub fn expose(&self) -> &str {
        self.digits.expose()
    }

    /// Fødselsnummer or D-number.
    pub const fn kind(&self) -> PersonIdKind {
        self.kind
    }

    /// Real or synthetic.
    pub const fn series(&self) -> Series {
        self.series
    }
}

/// How the month is shifted.
#[derive(Clone, Copy)]
enum Month {
    Ordinary,
    Plus80,
    Plus40,
    /// +20, +60 and +65: other registers' synthetic and internal numbers.
    Foreign,
}

type Digits = [u32; 11];

fn digits_of(text: &str) -> Option<Digits> {
    let bytes: [u8; 11] = text.as_bytes().try_into().ok()?;
    bytes.iter().all(u8::is_ascii_digit).then(|| bytes.map(|b| u32::from(b - b'0')))
}

fn kind_of(digits: &Digits) -> Result<(PersonIdKind, Month), BadPersonId> {
    let [d1, d2, m1, m2, y1, y2, ..] = *digits;
    let kind = match d1 {
        0..=3 => PersonIdKind::Fodselsnummer,
        4..=7 => PersonIdKind::DNummer,
        // Eight digits at random: no date to look at.
        _ => return Ok((PersonIdKind::FhNummer, Month::Ordinary)),
    };
    let day = (d1 % 4) * 10 + d2;
    let (shift, month) = month_of(m1 * 10 + m2).ok_or(BadPersonId::Date)?;
    // The century is unknown (a 2032 number tells none), so a leap day needs a leap year in any: every fourth, 00 being 2000.
    let year = 2000 + y1 * 10 + y2;
    if (1..=days_in(year, month)).contains(&day) { Ok((kind, shift)) } else { Err(BadPersonId::Date) }
}

/// How the month is shifted, and the real month. +60 and +65 overlap: a month within either is neither's business.
const fn month_of(shifted: u32) -> Option<(Month, u32)> {
    match shifted {
        1..=12 => Some((Month::Ordinary, shifted)),
        21..=32 => Some((Month::Foreign, shifted - 20)),
        41..=52 => Some((Month::Plus40, shifted - 40)),
        61..=65 => Some((Month::Foreign, shifted - 60)),
        66..=77 => Some((Month::Foreign, shifted - 65)),
        81..=92 => Some((Month::Plus80, shifted - 80)),
        _ => None,
    }
}

/// k1 by the rule of 2032, which includes the old one; k2 as ever.
fn check_control_digits(digits: &Digits) -> Result<(), BadPersonId> {
    const K1: [u32; 10] = [3, 7, 6, 1, 8, 9, 4, 5, 2, 1];
    const K2: Digits = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1];
    let remainder = |weights: &[u32]| digits.iter().zip(weights).map(|(d, w)| d * w).sum::<u32>() % 11;
    if remainder(&K1) > 3 {
        return Err(BadPersonId::ControlDigit1);
    }
    if remainder(&K2) != 0 {
        return Err(BadPersonId::ControlDigit2);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
