//! Synthetic people, as many as wanted, always the same.

use crate::example::LINE;
use serde_json::{Value, json};

const GIVEN: [&str; 12] = ["Ask", "Berit", "Cecilie", "Dag", "Eli", "Frode", "Guro", "Håkon", "Ingrid", "Jørn", "Kåre", "Liv"];
const FAMILY: [&str; 11] =
    ["Ås", "Bråten", "Dalen", "Elvestad", "Fjellheim", "Granli", "Haugen", "Lien", "Myhre", "Nygård", "Sætre"];

/// Someone who does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntheticPatient {
    /// Fødselsnummer with month + 80.
    pub nin: String,
    /// Given name.
    pub given: String,
    /// Family name.
    pub family: String,
}

impl SyntheticPatient {
    /// A patient in the set-up file of `dialogpost apply`.
    pub fn to_setup(&self, fastlege: Option<&str>) -> Value {
        json!({ "nin": self.nin, "family_name": self.family, "given_name": self.given, "fastlege": fastlege })
    }
}

/// The first `n` of a fixed sequence; nobody twice, and none of the example clinic's.
///
/// # Panics
/// Beyond about eight million.
pub fn synthetic_patients(n: usize) -> Vec<SyntheticPatient> {
    let patients: Vec<_> = numbers().take(n).enumerate().map(named).collect();
    assert_eq!(patients.len(), n, "there are not that many numbers");
    patients
}

fn named((place, nin): (usize, String)) -> SyntheticPatient {
    let given = GIVEN[place % GIVEN.len()].to_owned();
    let family = FAMILY[place % FAMILY.len()].to_owned();
    SyntheticPatient { nin, given, family }
}

/// Born 1940–1999, days 1–28; of the individual numbers only those of that century.
fn numbers() -> impl Iterator<Item = String> {
    let dates = || (40..=99).flat_map(|year| (81..=92).flat_map(move |month| (1..=28).map(move |day| (day, month, year))));
    let nine = (0..500).flat_map(move |individual| dates().map(move |date| (date, individual)));
    nine.filter_map(|((day, month, year), individual)| {
        with_control_digits(&format!("{day:02}{month:02}{year:02}{individual:03}"))
    })
    .filter(|nin| nin != LINE.nin)
}

/// Nine digits with both control digits by the old rule, unless one of them would be ten.
fn with_control_digits(nine: &str) -> Option<String> {
    let mut digits: Vec<u32> = nine.bytes().map(|b| u32::from(b - b'0')).collect();
    for weights in [&[3, 7, 6, 1, 8, 9, 4, 5, 2][..], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2][..]] {
        let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
        digits.push(Some((11 - sum % 11) % 11).filter(|control| *control < 10)?);
    }
    Some(digits.into_iter().filter_map(|digit| char::from_digit(digit, 10)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use messages::PersonId;
    use messages::person_id::{PersonIdKind, TestSeries};
    use std::collections::HashSet;

    #[test]
    fn every_number_is_valid_and_nobody_is_there_twice() {
        let patients = synthetic_patients(50_000);
        let accepted = TestSeries { plus_80: true, plus_40: false };
        for patient in &patients {
            let parsed = PersonId::parse(&patient.nin, &accepted).unwrap_or_else(|e| panic!("{}: {e}", patient.nin));
            assert_eq!(parsed.kind(), PersonIdKind::Fodselsnummer);
            assert!(PersonId::parse(&patient.nin, &TestSeries::NONE).is_err());
        }
        assert_eq!(patients.iter().map(|p| &p.nin).collect::<HashSet<_>>().len(), patients.len());
        assert_eq!(patients[..10], synthetic_patients(10));
    }

    #[test]
    fn control_digits_of_published_numbers() {
        for nin in ["15868549960", "29820099840", "31921299756", "17912099997", "05840399895"] {
            assert_eq!(with_control_digits(&nin[..9]).as_deref(), Some(nin));
        }
    }
}
