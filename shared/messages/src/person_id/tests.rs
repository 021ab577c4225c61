use super::*;
use proptest::prelude::*;

const BOTH: TestSeries = TestSeries { plus_80: true, plus_40: true };

/// Number, kind, series.
const VALID: [(&str, PersonIdKind, Series); 30] = {
    use PersonIdKind::{DNummer as D, Fodselsnummer as F};
    use Series::{Ordinary, TestPlus40 as P40, TestPlus80 as P80};
    [
        ("15868549960", F, P80),
        ("29820099840", F, P80),
        ("31921299756", F, P80),
        ("47819030045", D, P80),
        ("20437045020", F, P40),
        ("70519939965", D, P40),
        // The rule of 2032: remainders 1, 2 and 3.
        ("17853299987", F, P80),
        ("17853299995", F, P80),
        ("57853299997", D, P80),
        // Born in 1898.
        ("10819852052", F, P80),
        // No century under the old rule.
        ("15864560056", F, P80),
        // Published by Skatteetaten.
        ("17912099997", F, P80),
        ("29822099635", F, P80),
        ("05840399895", F, P80),
        ("12829499914", F, P80),
        ("12905299938", F, P80),
        ("21883649874", F, P80),
        ("21929774873", F, P80),
        ("57912075186", D, P80),
        ("69822075096", D, P80),
        ("45840375084", D, P80),
        ("52829400197", D, P80),
        ("52905200100", D, P80),
        ("61883600222", D, P80),
        ("61929750062", D, P80),
        // Skatteetaten's for 2032.
        ("02013299997", F, Ordinary),
        ("02013299903", F, Ordinary),
        ("02013299806", F, Ordinary),
        ("30108299920", F, Ordinary),
        ("30108299939", F, Ordinary),
    ]
};

const INVALID: [(&str, BadPersonId); 17] = [
    ("15868549910", BadPersonId::ControlDigit1),
    ("15868549961", BadPersonId::ControlDigit2),
    ("5818549859", BadPersonId::NotElevenDigits),
    ("200612345678", BadPersonId::NotElevenDigits),
    // Two digits swapped: the rule of 2032 leaves this to the second control digit.
    ("15865849960", BadPersonId::ControlDigit2),
    ("30828549967", BadPersonId::Date),
    ("10938549953", BadPersonId::Date),
    ("00818549954", BadPersonId::Date),
    ("00000000000", BadPersonId::Date),
    ("29820199861", BadPersonId::Date),
    ("15868O49960", BadPersonId::NotElevenDigits),
    ("１５８６８５４９９６０", BadPersonId::NotElevenDigits),
    ("81234567802", BadPersonId::KindNotAccepted(PersonIdKind::FhNummer)),
    ("", BadPersonId::NotElevenDigits),
    (" 15868549960", BadPersonId::NotElevenDigits),
    ("15868549960\n", BadPersonId::NotElevenDigits),
    ("-5868549960", BadPersonId::NotElevenDigits),
];

#[test]
fn valid_numbers() {
    for (number, kind, series) in VALID {
        let id = PersonId::parse(number, &BOTH).unwrap_or_else(|bad| panic!("{number}: {bad:?}"));
        assert_eq!((id.expose(), id.kind(), id.series()), (number, kind, series));
    }
}

#[test]
fn invalid_numbers() {
    for (number, why) in INVALID {
        assert_eq!(PersonId::parse(number, &BOTH), Err(why), "{number}");
    }
}

#[test]
fn production_knows_no_test_series() {
    for (number, _, series) in VALID {
        let want = match series {
            Series::Ordinary => None,
            Series::TestPlus80 => Some(BadPersonId::SeriesNotAllowed),
            Series::TestPlus40 => Some(BadPersonId::KindNotAccepted(PersonIdKind::HNummer)),
        };
        assert_eq!(PersonId::parse(number, &TestSeries::NONE).err(), want, "{number}");
    }
}

/// The number with right control digits that begins like this, if there is one.
fn completed(nine: &str) -> Option<String> {
    (0..100).map(|k| format!("{nine}{k:02}")).find(|number| check_control_digits(&digits_of(number).unwrap()).is_ok())
}

#[test]
fn foreign_series_are_refused_everywhere() {
    for month in [21, 32, 61, 65, 66, 72, 77] {
        let number = (0..1000).find_map(|i| completed(&format!("01{month}80{i:03}"))).unwrap();
        assert_eq!(PersonId::parse(&number, &BOTH), Err(BadPersonId::SeriesNotAllowed), "{number}");
    }
    for month in [0, 13, 20, 33, 40, 53, 60, 78, 80, 93, 99] {
        let number = (0..1000).find_map(|i| completed(&format!("01{month:02}80{i:03}"))).unwrap();
        assert_eq!(PersonId::parse(&number, &BOTH), Err(BadPersonId::Date), "{number}");
    }
}

#[test]
fn leap_days() {
    for (year, real) in [("00", true), ("04", true), ("96", true), ("01", false), ("50", false), ("99", false)] {
        let number = (0..1000).find_map(|i| completed(&format!("2902{year}{i:03}"))).unwrap();
        assert_eq!(PersonId::parse(&number, &TestSeries::NONE).is_ok(), real, "{number}");
    }
}

#[test]
fn series_from_config() {
    for (text, want) in [
        ("", Ok(TestSeries::NONE)),
        (" ", Ok(TestSeries::NONE)),
        ("80", Ok(TestSeries { plus_80: true, plus_40: false })),
        (" 40 ", Ok(TestSeries { plus_80: false, plus_40: true })),
        ("80, 40", Ok(BOTH)),
        ("65", Err(BadTestSeries)),
        ("80,", Err(BadTestSeries)),
        ("80 40", Err(BadTestSeries)),
    ] {
        assert_eq!(TestSeries::from_config(text), want, "{text:?}");
    }
}

#[test]
fn debug_tells_nothing() {
    let id = PersonId::parse("15868549960", &BOTH).unwrap();
    assert!(!format!("{id:?}").contains("158685"), "{id:?}");
}

proptest! {
    #[test]
    fn one_wrong_digit_never_passes(known in 0..VALID.len(), place in 0..11_usize, by in 1..10_u8) {
        let mut digits = VALID[known].0.as_bytes().to_vec();
        digits[place] = b'0' + (digits[place] - b'0' + by) % 10;
        let wrong = String::from_utf8(digits).unwrap();
        prop_assert!(PersonId::parse(&wrong, &BOTH).is_err());
    }

    #[test]
    fn any_text_is_judged(text in ".{0,14}|[0-9]{11}") {
        if let Ok(id) = PersonId::parse(&text, &BOTH) {
            prop_assert_eq!(id.expose(), text);
        }
    }
}
