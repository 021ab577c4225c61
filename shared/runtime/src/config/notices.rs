//! How notices go out: by e-mail over an SMTP server, by text message and push over the webhooks of whoever delivers them.

use super::{Reader, contact};
use domain::notice::{Channel, address};
use reqwest::Url;
use std::fmt;
use std::net::SocketAddr;
use trust::Zeroizing;

/// How notices go out. What is not set is not there: notices that need it wait.
#[derive(Clone, Default)]
pub struct Notices {
    /// `SMTP_URL`, or `SMTP_URL_FILE`, with `SMTP_FROM`.
    pub smtp: Option<Smtp>,
    /// `SMS_URL`, `PUSH_URL`, with `WEBHOOK_SECRET`, or `WEBHOOK_SECRET_FILE`.
    pub webhooks: Webhooks,
    /// `RECEIPTS_LISTEN`: where providers say what became of notices; plain HTTP, behind whatever ends TLS. Needs `WEBHOOK_SECRET`.
    pub receipts_listen: Option<SocketAddr>,
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").field("receipts_listen", &self.receipts_listen).finish_non_exhaustive()
    }
}

impl Notices {
    /// Channels that can be used.
    pub fn channels(&self) -> Vec<Channel> {
        let is_there = |channel: &Channel| match channel {
            Channel::Email => self.smtp.is_some(),
            Channel::Sms => self.webhooks.sms.is_some(),
            Channel::Push => self.webhooks.push.is_some(),
        };
        Channel::ALL.into_iter().filter(is_there).collect()
    }
}

/// An SMTP server.
#[derive(Clone)]
pub struct Smtp {
    /// Its name, or address.
    pub host: String,
    /// 465 or 587 unless given.
    pub port: u16,
    /// Whether it is spoken to in the clear: only on this machine itself.
    pub tls: SmtpTls,
    /// User and password.
    pub credentials: Option<(String, Zeroizing<String>)>,
    /// `SMTP_FROM`: by whom notices are.
    pub from: String,
}

/// How a connection to an SMTP server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// From the first byte (`smtps`).
    Wrapped,
    /// After STARTTLS, without which nothing is sent.
    Required,
    /// Not.
    None,
}

/// Whoever delivers what is no e-mail.
#[derive(Clone, Default)]
pub struct Webhooks {
    /// Takes text messages.
    pub sms: Option<Url>,
    /// Takes push notices.
    pub push: Option<Url>,
    /// What both sides sign with; there whenever one of them is.
    pub secret: Zeroizing<String>,
}

/// Shortest secret, in characters.
const SECRET: usize = 16;

impl Reader<'_> {
    pub(super) fn notices(&mut self) -> Option<Notices> {
        let smtp = self.smtp();
        let (sms, push) = (self.webhook("SMS_URL"), self.webhook("PUSH_URL"));
        let listen = self.text("RECEIPTS_LISTEN");
        let receipts_listen = listen.as_deref().and_then(|text| text.parse().ok());
        if listen.is_some() && receipts_listen.is_none() {
            self.fault("RECEIPTS_LISTEN", "must be an address and port such as 0.0.0.0:8091");
        }
        let secret = self.secret("WEBHOOK_SECRET", "WEBHOOK_SECRET_FILE").map(Zeroizing::new);
        let is_needed = sms.is_some() || push.is_some() || receipts_listen.is_some();
        match &secret {
            None if is_needed => {
                self.fault("WEBHOOK_SECRET", "is not set: what SMS_URL, PUSH_URL and RECEIPTS_LISTEN sign with");
            }
            Some(secret) if secret.chars().count() < SECRET => {
                self.fault("WEBHOOK_SECRET", format!("has fewer than {SECRET} characters"));
            }
            _ => {}
        }
        let webhooks = Webhooks { sms, push, secret: secret.unwrap_or_default() };
        Some(Notices { smtp, webhooks, receipts_listen })
    }

    fn smtp(&mut self) -> Option<Smtp> {
        let (url, from) = (self.secret("SMTP_URL", "SMTP_URL_FILE"), self.text("SMTP_FROM"));
        if from.as_deref().is_some_and(|from| !address::is_email(from)) {
            self.fault("SMTP_FROM", "must be an e-mail address, in ASCII and without a name");
        }
        let url = url?;
        let server = smtp(&url);
        if server.is_none() {
            self.fault(
                "SMTP_URL",
                "must be smtps://user:password@host:465, or smtp://user:password@host:587?tls=required; in the clear only \
                 smtp:// of this machine itself",
            );
        }
        let from = self.required("SMTP_FROM", from, "is not set: by whom notices are, which SMTP_URL needs");
        Some(Smtp { from: from?, ..server? })
    }

    fn webhook(&mut self, variable: &'static str) -> Option<Url> {
        let text = self.text(variable)?;
        let url = contact::url(&text);
        if url.is_none() {
            // Some providers put a key into the address.
            self.fault(variable, "must be an https:// address, or http:// of this machine itself");
        }
        url
    }
}

/// A server, by no one yet.
fn smtp(text: &str) -> Option<Smtp> {
    let url = Url::parse(text).ok()?;
    let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
    let asked: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let is_tls_required = match asked.as_slice() {
        [] => false,
        [(key, value)] if key == "tls" && value == "required" => true,
        _ => return None,
    };
    let (tls, port) = match (url.scheme(), is_tls_required) {
        ("smtps", false) => (SmtpTls::Wrapped, 465),
        ("smtp", true) => (SmtpTls::Required, 587),
        ("smtp", false) if contact::is_here(&host) => (SmtpTls::None, 25),
        _ => return None,
    };
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned);
    let credentials = match (url.username(), url.password()) {
        ("", None) => None,
        (user, Some(password)) => Some((plain(user)?, Zeroizing::new(plain(password)?))),
        _ => return None,
    };
    Some(Smtp { host, port: url.port().unwrap_or(port), tls, credentials, from: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn read(vars: &[(&str, &str)]) -> Result<Notices, Vec<String>> {
        let base = [("DATABASE_URL", "postgres://u:p@h/d"), ("AMQP_URL", "amqp://u:p@h/v")];
        let get = |name: &str| base.iter().chain(vars).find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Config::read(&get).map(|config| config.notices).map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    fn faulty(vars: &[(&str, &str)]) -> Vec<String> {
        let faults = read(vars).unwrap_err();
        assert!(!faults.iter().any(|fault| fault.contains("hemmelig")), "{faults:?}");
        faults.into_iter().map(|fault| fault.split(':').next().unwrap_or_default().to_owned()).collect()
    }

    const SECRET: (&str, &str) = ("WEBHOOK_SECRET", "hemmelig-hemmelig");
    const FROM: (&str, &str) = ("SMTP_FROM", "post@solbakken.example");

    #[test]
    fn nothing_is_set_nothing_is_there() {
        let notices = read(&[]).unwrap();
        assert_eq!((notices.channels(), notices.receipts_listen), (vec![], None));
    }

    #[test]
    fn servers() {
        let of = |url| read(&[("SMTP_URL", url), FROM]).map(|notices| notices.smtp.unwrap());
        let table = [
            ("smtps://bruker:hem%40melig@post.example", "post.example", 465, SmtpTls::Wrapped, true),
            ("smtps://post.example:2465", "post.example", 2465, SmtpTls::Wrapped, false),
            ("smtp://bruker:x@post.example?tls=required", "post.example", 587, SmtpTls::Required, true),
            ("smtp://localhost:2525", "localhost", 2525, SmtpTls::None, false),
            ("smtp://127.0.0.1", "127.0.0.1", 25, SmtpTls::None, false),
            ("smtp://[::1]:2525", "::1", 2525, SmtpTls::None, false),
        ];
        for (url, host, port, tls, has_user) in table {
            let got = of(url).unwrap();
            assert_eq!((got.host.as_str(), got.port, got.tls, got.credentials.is_some()), (host, port, tls, has_user), "{url}");
        }
        assert_eq!(of("smtps://bruker:hem%40melig@post.example").unwrap().credentials.unwrap().1.as_str(), "hem@melig");
        for url in [
            "smtp://bruker:hemmelig@post.example",
            "smtp://bruker:hemmelig@post.example?tls=opportunistic",
            "smtp://bruker:hemmelig@127.0.0.1.example",
            "smtps://hemmelig@post.example",
            "https://bruker:hemmelig@post.example",
            "hemmelig",
        ] {
            assert_eq!(faulty(&[("SMTP_URL", url), FROM]), ["SMTP_URL"], "{url}");
        }
        assert_eq!(faulty(&[("SMTP_URL", "smtps://post.example")]), ["SMTP_FROM"]);
        assert_eq!(faulty(&[("SMTP_FROM", "Solbakken <hemmelig@x.example>")]), ["SMTP_FROM"]);
    }

    #[test]
    fn webhooks() {
        let notices = read(&[("SMS_URL", "https://sms.example/v1"), ("PUSH_URL", "http://localhost:1/p"), SECRET]).unwrap();
        assert_eq!(notices.channels(), [Channel::Sms, Channel::Push]);
        for name in ["SMS_URL", "PUSH_URL"] {
            assert_eq!(faulty(&[(name, "http://sms.example/hemmelig"), SECRET]), [name]);
            assert_eq!(faulty(&[(name, "https://sms.example/v1")]), ["WEBHOOK_SECRET"]);
        }
        assert_eq!(faulty(&[("WEBHOOK_SECRET", "hemmelig")]), ["WEBHOOK_SECRET"]);
        assert_eq!(faulty(&[("RECEIPTS_LISTEN", "127.0.0.1:8091")]), ["WEBHOOK_SECRET"]);
        assert_eq!(faulty(&[("RECEIPTS_LISTEN", "her"), SECRET]), ["RECEIPTS_LISTEN"]);
    }
}
