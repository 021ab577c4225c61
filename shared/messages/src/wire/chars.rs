//! The characters of XML 1.0, and its names.

/// Whether XML 1.0 allows the character (`Char`).
pub const fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether every character is allowed by XML 1.0.
pub(super) fn all_xml_chars(text: &str) -> bool {
    // Without an early exit the loop over each block runs on whole registers.
    let control = |block: &[u8]| block.iter().fold(false, |bad, b| bad | ((*b < b' ') & !matches!(*b, b'\t' | b'\n' | b'\r')));
    !text.as_bytes().chunks(4096).any(control) && !text.contains('\u{FFFE}') && !text.contains('\u{FFFF}')
}

/// Whether a tag's or attribute's name has the shape `name` or `prefix:name`.
pub(super) fn is_qualified_name(name: &str) -> bool {
    name.splitn(2, ':').all(is_simple_name)
}

/// Whether a name has no prefix. Beyond ASCII every character counts as a letter.
pub(super) fn is_simple_name(name: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphabetic() || b == b'_' || b >= 0x80;
    let name = name.as_bytes();
    name.first().is_some_and(|b| letter(*b)) && name.iter().all(|b| letter(*b) || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_xml() {
        for (text, want) in [
            ("blåbær\r\n\t\u{7f}\u{85}\u{fffd}\u{1f600}", true),
            ("", true),
            ("\0", false),
            ("a\u{1}", false),
            ("\u{b}", false),
            ("\u{1f}", false),
            ("\u{fffe}", false),
            ("\u{ffff}", false),
        ] {
            assert_eq!(all_xml_chars(text), want, "{text:?}");
            assert_eq!(text.chars().all(is_xml_char), want, "{text:?}");
        }
    }

    #[test]
    fn names() {
        for name in ["a", "mh:MsgHead", "Formål", "_x-1.2"] {
            assert!(is_qualified_name(name), "{name}");
        }
        for name in ["", ":", ":a", "a:", "a:b:c", "1a", "-a", "a b", "a=", "a\"", "a/b", "a<"] {
            assert!(!is_qualified_name(name), "{name}");
        }
    }
}
