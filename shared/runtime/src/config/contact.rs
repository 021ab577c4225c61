//! How HelseNorge is asked whom it can reach, and how its answer is taken.

use super::{Reader, within};
use domain::command::contact::Caution;
use jiff::SignedDuration;
use reqwest::Url;
use std::path::PathBuf;

/// Where HelsenorgeAktivSjekken is in production (message-formats 6).
const PRODUCTION: &str = "https://eksternapi.helsenorge.no/digitaltaktiv/helsenorgeaktivsjekken/v1";

/// How HelseNorge is asked whom it can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactService {
    /// By message, as anything else: DIALOG_INNBYGGER_DIGITALBRUKER.
    Amqp,
    /// HelsenorgeAktivSjekken.
    Rest {
        /// `https`; `http` only to this machine itself.
        url: Url,
        /// Holds a bearer token that somebody else renews.
        token_file: PathBuf,
    },
    /// Not at all.
    Off,
}

#[derive(Clone, Copy)]
enum Name {
    Amqp,
    Rest,
    Off,
}

impl Reader<'_> {
    pub(super) fn contact_service(&mut self) -> Option<ContactService> {
        let name = self.parsed("CONTACT_SERVICE", "amqp", name, "amqp, rest or off");
        let url = self.parsed("CONTACT_URL", PRODUCTION, url, "an https:// address, or http:// of this machine itself");
        let token_file = self.text("CONTACT_TOKEN_FILE").map(PathBuf::from);
        match name? {
            Name::Amqp => Some(ContactService::Amqp),
            Name::Off => Some(ContactService::Off),
            Name::Rest => {
                let token_file = self.required(
                    "CONTACT_TOKEN_FILE",
                    token_file,
                    "is not set: a file with a token, which CONTACT_SERVICE rest needs",
                );
                Some(ContactService::Rest { url: url?, token_file: token_file? })
            }
        }
    }

    pub(super) fn contact_caution(&mut self) -> Option<Caution> {
        let hours = self.parsed("CONTACT_AGE_HOURS", "24", |t| within(t, 1, 720), "a number of hours from 1 to 720");
        let refuse_unknown = self.parsed("CONTACT_UNKNOWN", "refuse", unknown, "refuse or allow");
        let age_limit = SignedDuration::from_hours(i64::try_from(hours?).unwrap_or(i64::MAX));
        Some(Caution { age_limit, refuse_unknown: refuse_unknown? })
    }
}

fn name(text: &str) -> Option<Name> {
    match text {
        "amqp" => Some(Name::Amqp),
        "rest" => Some(Name::Rest),
        "off" => Some(Name::Off),
        _ => None,
    }
}

/// Identity numbers go there, and a token: in the clear only where nobody is between.
pub(super) fn url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| url.username().is_empty() && url.password().is_none())?;
    let host = url.host_str()?;
    (url.scheme() == "https" || (url.scheme() == "http" && is_here(host))).then_some(url)
}

/// Whether a host of a URL is this machine itself.
pub(super) fn is_here(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

fn unknown(text: &str) -> Option<bool> {
    match text {
        "refuse" => Some(true),
        "allow" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn read(vars: &[(&str, &str)]) -> Result<Config, Vec<&'static str>> {
        let base = [("DATABASE_URL", "postgres://u:p@h/d"), ("AMQP_URL", "amqp://u:p@h/v")];
        let get = |name: &str| base.iter().chain(vars).find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Config::read(&get).map_err(|faults| faults.into_iter().map(|f| f.variable).collect())
    }

    #[test]
    fn defaults_are_careful() {
        let config = read(&[]).unwrap();
        assert_eq!(config.contact_service, ContactService::Amqp);
        assert_eq!(config.contact_caution, Caution { age_limit: SignedDuration::from_hours(24), refuse_unknown: true });
        let config = read(&[("CONTACT_AGE_HOURS", "720"), ("CONTACT_UNKNOWN", "allow"), ("CONTACT_SERVICE", "off")]).unwrap();
        assert_eq!(config.contact_caution, Caution { age_limit: SignedDuration::from_hours(720), refuse_unknown: false });
        assert_eq!(config.contact_service, ContactService::Off);
    }

    #[test]
    fn rest_needs_a_token_and_has_an_address() {
        assert_eq!(read(&[("CONTACT_SERVICE", "rest")]).unwrap_err(), ["CONTACT_TOKEN_FILE"]);
        let config = read(&[("CONTACT_SERVICE", "rest"), ("CONTACT_TOKEN_FILE", "/run/token")]).unwrap();
        let want = ContactService::Rest { url: PRODUCTION.parse().unwrap(), token_file: "/run/token".into() };
        assert_eq!(config.contact_service, want);
    }

    #[test]
    fn numbers_go_in_the_clear_only_to_this_machine() {
        let url = |url: &str| read(&[("CONTACT_URL", url)]).map(drop);
        for good in ["https://eksternapi.hn.test.nhn.no/x", "http://127.0.0.1:8080/x", "http://[::1]:8080", "http://localhost/x"]
        {
            assert_eq!(url(good), Ok(()), "{good}");
        }
        for bad in
            ["http://eksternapi.helsenorge.no/x", "http://127.0.0.1.example.test", "ftp://localhost", "https://u:p@h/x", "hei"]
        {
            assert_eq!(url(bad), Err(vec!["CONTACT_URL"]), "{bad}");
        }
    }

    #[test]
    fn limits() {
        for (name, value) in
            [("CONTACT_AGE_HOURS", "0"), ("CONTACT_AGE_HOURS", "721"), ("CONTACT_UNKNOWN", "x"), ("CONTACT_SERVICE", "x")]
        {
            assert_eq!(read(&[(name, value)]).unwrap_err(), [name]);
        }
    }
}
