//! Where notices go. What a patient's record holds is checked when it is applied, so that a provider never gets what it cannot read.

use email_address::{EmailAddress, Options};

/// E.164: `+`, and 8 to 15 digits of which the first is no zero.
pub fn is_phone(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
}

/// An address of RFC 5321 with a domain name: ASCII, since not every server on the way takes more (RFC 6531).
pub fn is_email(text: &str) -> bool {
    let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
    text.is_ascii() && EmailAddress::parse_with_options(text, options).is_ok()
}

/// 1 to 200 visible ASCII characters, whose meaning is the app's own.
pub fn is_push(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones() {
        for good in ["+4799900001", "+12345678", "+123456789012345"] {
            assert!(is_phone(good), "{good}");
        }
        for bad in
            ["", "+", "99900001", "004799900001", "+1234567", "+1234567890123456", "+47 99900001", "+47-999", "+0123456789"]
        {
            assert!(!is_phone(bad), "{bad}");
        }
    }

    #[test]
    fn emails() {
        for good in ["line@example.test", "line.danser+time@post.example.test"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "line",
            "line@",
            "@example.test",
            "line@example",
            "line@@example.test",
            "a@example.test,b@example.test",
            "Line <line@example.test>",
            "line@example.test\r\nBcc: alle@example.test",
            "line@[127.0.0.1]",
            "liné@example.test",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn push_tokens() {
        assert!(is_push("f3a9:APA91b-x_y") && is_push(&"x".repeat(200)));
        for bad in ["", "a b", "å", "a\n"] {
            assert!(!is_push(bad), "{bad}");
        }
        assert!(!is_push(&"x".repeat(201)));
    }
}
