//! Text that a clinic writes: what may be sent as it is.

use messages::command::refusal::Why;
use messages::wire::is_xml_char;

/// Characters of a message's text.
pub const TEXT_LIMIT: usize = 30_000;
/// Characters of a subject line.
pub const SUBJECT_LIMIT: usize = 100;

/// Whether a text may be sent.
///
/// # Errors
/// Empty, too long, with markup, or with characters that XML cannot carry (XML 1.0, section 2.2).
pub fn check(text: &str, limit: usize) -> Result<(), Why> {
    let has = text.chars().count();
    match () {
        () if text.trim().is_empty() => Err(Why::TextEmpty),
        () if has > limit => Err(Why::TextTooLong { has, limit }),
        () if !text.chars().all(is_sendable) => Err(Why::TextControl),
        () if has_markup(text) => Err(Why::TextMarkup),
        () => Ok(()),
    }
}

/// A subject stands on one line.
///
/// # Errors
/// As [`check`]; a line break counts as a character that cannot be sent.
pub fn check_subject(subject: &str) -> Result<(), Why> {
    check(subject, SUBJECT_LIMIT)?;
    if subject.contains(['\n', '\r', '\t']) { Err(Why::TextControl) } else { Ok(()) }
}

/// Characters of a file's name.
pub const FILE_NAME_LIMIT: usize = 200;

/// A file's name stands on one line and names no folder.
///
/// # Errors
/// As [`check`]; a line break or a folder's mark counts as a character that cannot be sent.
pub fn check_file_name(name: &str) -> Result<(), Why> {
    check(name, FILE_NAME_LIMIT)?;
    if name.contains(['\n', '\r', '\t', '/', '\\']) { Err(Why::TextControl) } else { Ok(()) }
}

/// The media type that a file's name speaks of; `None` where it speaks of none, as "prøvesvar" and "notat 1.2". `Some("")` = of one that is
/// not accepted.
pub fn named_type(name: &str) -> Option<&'static str> {
    let (_, ending) = name.trim_end().rsplit_once('.')?;
    let ending = ending.to_ascii_lowercase();
    let is_ending = (1..=8).contains(&ending.len())
        && ending.bytes().all(|b| b.is_ascii_alphanumeric())
        && ending.bytes().any(|b| b.is_ascii_alphabetic());
    is_ending.then_some(match ending.as_str() {
        "pdf" => "application/pdf",
        "jpg" | "jpeg" | "jpe" | "jfif" => "image/jpeg",
        "png" => "image/png",
        _ => "",
    })
}

fn is_sendable(c: char) -> bool {
    is_xml_char(c) && (!c.is_control() || matches!(c, '\t' | '\n' | '\r')) && !turns_direction(c)
}

/// Turns the direction of what follows: a reader would see something else than was written (Unicode Standard Annex 9, sections 2.1 to 2.5).
pub const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a browser would take part of it for a tag, a comment or an entity; a tag that the text does not end is ended by what follows it
/// on the page. A lone `<`, as in "BT < 140", is text.
fn has_markup(text: &str) -> bool {
    let is_tag = |rest: &str| rest.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
    let is_entity = |rest: &str| {
        rest.split_once(';').is_some_and(|(name, _)| {
            let name = name.strip_prefix('#').unwrap_or(name);
            (1..=31).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
        })
    };
    text.match_indices('<').any(|(at, _)| text.get(at + 1..).is_some_and(is_tag))
        || text.match_indices('&').any(|(at, _)| text.get(at + 1..).is_some_and(is_entity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for (text, want) in [
            ("Hei, timen er klar.\r\n\r\nHilsen\tKari", Ok(())),
            ("BT < 140 & puls > 60; ring 116117", Ok(())),
            ("a <3 b", Ok(())),
            ("blåbær 😀 «sitat» – ok", Ok(())),
            ("", Err(Why::TextEmpty)),
            (" \n\t ", Err(Why::TextEmpty)),
            ("<b>fet</b>", Err(Why::TextMarkup)),
            ("</p>", Err(Why::TextMarkup)),
            ("<img src=x onerror=alert(1) ", Err(Why::TextMarkup)),
            ("puls<60", Ok(())),
            ("<!-- x -->", Err(Why::TextMarkup)),
            ("<?xml?>", Err(Why::TextMarkup)),
            ("fish &amp; chips", Err(Why::TextMarkup)),
            ("&#60;", Err(Why::TextMarkup)),
            ("a\0b", Err(Why::TextControl)),
            ("a\u{1b}[31m", Err(Why::TextControl)),
            ("a\u{85}b", Err(Why::TextControl)),
            ("\u{202e}baklengs", Err(Why::TextControl)),
            ("\u{fffe}", Err(Why::TextControl)),
        ] {
            assert_eq!(check(text, 100), want, "{text:?}");
        }
        assert_eq!(check(&"å".repeat(100), 100), Ok(()));
        assert_eq!(check(&"å".repeat(101), 100), Err(Why::TextTooLong { has: 101, limit: 100 }));
    }

    #[test]
    fn a_file_name_names_no_folder() {
        assert_eq!(check_file_name("prøvesvar 1.pdf"), Ok(()));
        for name in ["../x.pdf", "a\\b.pdf", "to\nlinjer.pdf"] {
            assert_eq!(check_file_name(name), Err(Why::TextControl), "{name:?}");
        }
        assert_eq!(check_file_name(""), Err(Why::TextEmpty));
        assert_eq!(check_file_name(&"x".repeat(201)), Err(Why::TextTooLong { has: 201, limit: 200 }));
    }

    #[test]
    fn a_file_name_may_speak_of_a_type() {
        for (name, want) in [
            ("svar.pdf", Some("application/pdf")),
            ("Svar.PDF ", Some("application/pdf")),
            ("bilde.jpeg", Some("image/jpeg")),
            ("bilde.JPG", Some("image/jpeg")),
            ("skjerm.png", Some("image/png")),
            ("svar.pdf.html", Some("")),
            ("faktura.exe", Some("")),
            ("prøvesvar", None),
            ("notat 1.2", None),
            ("fra dr. Hansen og dr. Berg", None),
            ("slutt.", None),
        ] {
            assert_eq!(named_type(name), want, "{name}");
        }
    }

    #[test]
    fn a_subject_is_one_line() {
        assert_eq!(check_subject("Prøvesvar"), Ok(()));
        for subject in ["to\nlinjer", "to\rlinjer", "tab\tulator"] {
            assert_eq!(check_subject(subject), Err(Why::TextControl), "{subject:?}");
        }
        assert_eq!(check_subject(&"x".repeat(SUBJECT_LIMIT + 1)), Err(Why::TextTooLong { has: 101, limit: 100 }));
    }
}
