//! What a notice says: the clinic and the time, never what it is about (N5). Nothing else can be said, since nothing else is known here.

use super::{Kind, Language, norway};
use jiff::Timestamp;

/// Of a longer name so many characters are shown, so that no notice grows beyond two text messages.
const NAME: usize = 60;

/// When an appointment is, and what a notice says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Made, for then.
    Booked(Timestamp),
    /// Moved, to then.
    Moved(Timestamp),
    /// Cancelled, of then.
    Cancelled(Timestamp),
    /// Soon: then.
    Reminder(Timestamp),
    /// A message in the clinic's own app or portal.
    Message,
}

impl About {
    /// Of a kind, with the start of the appointment; none where an appointment's is missing.
    pub const fn new(kind: Kind, starts_at: Option<Timestamp>) -> Option<Self> {
        match (kind, starts_at) {
            (Kind::Message, _) => Some(Self::Message),
            (Kind::Booked, Some(at)) => Some(Self::Booked(at)),
            (Kind::Moved, Some(at)) => Some(Self::Moved(at)),
            (Kind::Cancelled, Some(at)) => Some(Self::Cancelled(at)),
            (Kind::Reminder, Some(at)) => Some(Self::Reminder(at)),
            (Kind::Booked | Kind::Moved | Kind::Cancelled | Kind::Reminder, None) => None,
        }
    }
}

/// A notice in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// For channels that have one.
    pub subject: String,
    /// All of it.
    pub body: String,
}

/// Puts a notice into words.
pub fn text(about: About, language: Language, clinic: &str) -> Text {
    let clinic = shown(clinic);
    let (subject, said) = match language {
        Language::Nb => (format!("Beskjed fra {clinic}"), bokmaal(about)),
        Language::Nn => (format!("Beskjed frå {clinic}"), nynorsk(about)),
        Language::En => (format!("Message from {clinic}"), english(about)),
    };
    Text { subject, body: format!("{clinic}: {said}") }
}

/// A clinic's name on one line, which no channel takes for anything else.
fn shown(clinic: &str) -> String {
    let clean: String = clinic.chars().map(|c| if c.is_control() { ' ' } else { c }).take(NAME).collect();
    clean.trim().to_owned()
}

fn bokmaal(about: About) -> String {
    let then = |at| norwegian(at, ["mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"]);
    match about {
        About::Booked(at) => format!("Du har fått time {}.", then(at)),
        About::Moved(at) => format!("Timen din er flyttet til {}.", then(at)),
        About::Cancelled(at) => format!("Timen din {} er avlyst.", then(at)),
        About::Reminder(at) => format!("Vi minner om timen din {}.", then(at)),
        About::Message => "Du har en ny melding. Logg inn i klinikkens egen app eller portal for å lese den.".to_owned(),
    }
}

fn nynorsk(about: About) -> String {
    let then = |at| norwegian(at, ["måndag", "tysdag", "onsdag", "torsdag", "fredag", "laurdag", "søndag"]);
    match about {
        About::Booked(at) => format!("Du har fått time {}.", then(at)),
        About::Moved(at) => format!("Timen din er flytta til {}.", then(at)),
        About::Cancelled(at) => format!("Timen din {} er avlyst.", then(at)),
        About::Reminder(at) => format!("Vi minner om timen din {}.", then(at)),
        About::Message => "Du har ei ny melding. Logg inn i klinikken sin eigen app eller portal for å lese ho.".to_owned(),
    }
}

fn english(about: About) -> String {
    let then = |at: Timestamp| {
        let at = at.to_zoned(norway());
        at.strftime("%A %-d %B %Y at %H:%M").to_string()
    };
    match about {
        About::Booked(at) => format!("You have an appointment on {}.", then(at)),
        About::Moved(at) => format!("Your appointment has been moved to {}.", then(at)),
        About::Cancelled(at) => format!("Your appointment on {} has been cancelled.", then(at)),
        About::Reminder(at) => format!("This is a reminder of your appointment on {}.", then(at)),
        About::Message => "You have a new message. Log in to the clinic's own app or portal to read it.".to_owned(),
    }
}

/// `mandag 11. januar 2027 kl. 08.00`: both written languages of Norway name the months alike.
fn norwegian(at: Timestamp, weekdays: [&str; 7]) -> String {
    const MONTHS: [&str; 12] =
        ["januar", "februar", "mars", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "desember"];
    let at = at.to_zoned(norway());
    let weekday = weekdays.get(place(at.weekday().to_monday_zero_offset())).copied().unwrap_or_default();
    let month = MONTHS.get(place(at.month() - 1)).copied().unwrap_or_default();
    format!("{weekday} {}. {month} {} kl. {:02}.{:02}", at.day(), at.year(), at.hour(), at.minute())
}

fn place(number: i8) -> usize {
    usize::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GSM 03.38 without its extension table: what a text message holds 160 characters of.
    const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                       ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    /// What nobody may read over the patient's shoulder.
    const SENSITIVE: [&str; 22] = [
        "vanlig",
        "skjult",
        "video",
        "oppmøte",
        "telefon",
        "konsultasjon",
        "consultation",
        "resept",
        "prescription",
        "ekontakt",
        "e-dialog",
        "lege",
        "doctor",
        "psyk",
        "gravid",
        "vaksine",
        "prøve",
        "test",
        "kontroll",
        "undersøk",
        "diagnos",
        "behandl",
    ];

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn every() -> Vec<(Kind, Language, About)> {
        // The longest there is: Wednesday in September.
        let longest = at("2027-09-29T08:00:00+02:00");
        let of = |kind| Language::ALL.map(|language| (kind, language, About::new(kind, Some(longest)).unwrap()));
        Kind::ALL.into_iter().flat_map(of).collect()
    }

    #[test]
    fn each_kind_in_each_language() {
        let start = at("2027-01-11T08:00:00+01:00");
        let table = [
            (About::Booked(start), Language::Nb, "Solbakken: Du har fått time mandag 11. januar 2027 kl. 08.00."),
            (About::Moved(start), Language::Nb, "Solbakken: Timen din er flyttet til mandag 11. januar 2027 kl. 08.00."),
            (About::Cancelled(start), Language::Nb, "Solbakken: Timen din mandag 11. januar 2027 kl. 08.00 er avlyst."),
            (About::Reminder(start), Language::Nb, "Solbakken: Vi minner om timen din mandag 11. januar 2027 kl. 08.00."),
            (About::Booked(start), Language::Nn, "Solbakken: Du har fått time måndag 11. januar 2027 kl. 08.00."),
            (About::Moved(start), Language::Nn, "Solbakken: Timen din er flytta til måndag 11. januar 2027 kl. 08.00."),
            (About::Cancelled(start), Language::Nn, "Solbakken: Timen din måndag 11. januar 2027 kl. 08.00 er avlyst."),
            (About::Reminder(start), Language::Nn, "Solbakken: Vi minner om timen din måndag 11. januar 2027 kl. 08.00."),
            (About::Booked(start), Language::En, "Solbakken: You have an appointment on Monday 11 January 2027 at 08:00."),
            (About::Moved(start), Language::En, "Solbakken: Your appointment has been moved to Monday 11 January 2027 at 08:00."),
            (
                About::Cancelled(start),
                Language::En,
                "Solbakken: Your appointment on Monday 11 January 2027 at 08:00 has been cancelled.",
            ),
            (
                About::Reminder(start),
                Language::En,
                "Solbakken: This is a reminder of your appointment on Monday 11 January 2027 at 08:00.",
            ),
            (
                About::Message,
                Language::Nb,
                "Solbakken: Du har en ny melding. Logg inn i klinikkens egen app eller portal for å lese den.",
            ),
            (
                About::Message,
                Language::Nn,
                "Solbakken: Du har ei ny melding. Logg inn i klinikken sin eigen app eller portal for å lese ho.",
            ),
            (
                About::Message,
                Language::En,
                "Solbakken: You have a new message. Log in to the clinic's own app or portal to read it.",
            ),
        ];
        assert_eq!(table.len(), every().len());
        for (about, language, want) in table {
            assert_eq!(text(about, language, "Solbakken").body, want);
        }
    }

    #[test]
    fn time_is_norwegian_on_both_sides_of_a_clock_change() {
        for (utc, want) in [
            ("2027-03-27T08:00:00Z", "lørdag 27. mars 2027 kl. 09.00"),
            ("2027-03-28T08:00:00Z", "søndag 28. mars 2027 kl. 10.00"),
            ("2027-10-31T08:00:00Z", "søndag 31. oktober 2027 kl. 09.00"),
            ("2026-12-31T23:30:00Z", "fredag 1. januar 2027 kl. 00.30"),
            ("2028-02-29T11:05:00Z", "tirsdag 29. februar 2028 kl. 12.05"),
        ] {
            assert!(text(About::Booked(at(utc)), Language::Nb, "X").body.contains(want), "{utc}");
        }
    }

    #[test]
    fn nothing_sensitive_is_said() {
        for (kind, language, about) in every() {
            let Text { subject, body } = text(about, language, "X");
            let said = format!("{subject} {body}").to_lowercase();
            for word in SENSITIVE {
                assert!(!said.contains(word), "{kind:?} in {language:?} says {word}: {said}");
            }
        }
    }

    #[test]
    fn every_notice_fits_into_two_text_messages() {
        let clinic = "Åsgårdstrand og Øvre Ådal legesenter, avdeling Sjøholmen nord";
        assert_eq!(clinic.chars().count(), NAME + 1);
        for (kind, language, about) in every() {
            let body = text(about, language, clinic).body;
            let foreign: Vec<char> = body.chars().filter(|c| !GSM.contains(*c)).collect();
            assert_eq!(foreign, [], "{kind:?} in {language:?}");
            // Two parts hold 153 each.
            assert!(body.chars().count() <= 306, "{kind:?} in {language:?}: {}", body.chars().count());
        }
    }

    #[test]
    fn a_name_stays_on_its_line_and_within_its_length() {
        let Text { subject, body } = text(About::Message, Language::Nb, "Sol\r\nBcc: alle\u{7}");
        assert!(!subject.chars().chain(body.chars()).any(char::is_control), "{subject}");
        assert!(text(About::Message, Language::Nb, &"x".repeat(1000)).body.chars().count() < 200);
    }

    #[test]
    fn an_appointments_notice_needs_its_time() {
        for kind in Kind::ALL {
            assert_eq!(About::new(kind, None).is_some(), kind == Kind::Message, "{kind:?}");
        }
    }
}
