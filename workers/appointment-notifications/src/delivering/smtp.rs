//! E-mail, handed to one SMTP server. Its `Message-ID` is the notice's, the same each time, and so is every other byte.

use super::Answer;
use domain::notice::text::Text;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use runtime::config::{self, SmtpTls};
use std::time::{Duration, SystemTime};
use store::notice::delivery::Due;

/// How long the server has to answer the call. The whole conversation ends with [`super::PATIENCE`].
const PATIENCE: Duration = Duration::from_secs(15);
/// Says that no person wrote it, so that no machine answers (RFC 3834).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");
/// What servers say of one address or one message (RFC 5321, section 4.2.3). Any other word is for everybody: they do not take our
/// credentials (RFC 4954), or us, at all.
const OF_ONE: [&str; 4] = ["550", "551", "552", "553"];
/// What is no matter of time though it sounds so: credentials again (RFC 4954).
const CREDENTIALS: &str = "454";

/// An SMTP server.
pub struct Smtp {
    /// None where the server's name or a root cannot be used.
    server: Option<AsyncSmtpTransport<Tokio1Executor>>,
    from: Option<Address>,
}

impl Smtp {
    /// A server, trusted by the public authorities and these roots (DER). Connects on first use.
    pub fn new(config: &config::Smtp, roots: &[Vec<u8>]) -> Self {
        let from: Option<Address> = config.from.parse().ok();
        let server = tls(config, roots).ok().map(|tls| {
            let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.clone());
            let builder = builder.port(config.port).tls(tls).timeout(Some(PATIENCE));
            let builder = match &from {
                Some(from) => builder.hello_name(ClientId::Domain(from.domain().to_owned())),
                None => builder,
            };
            match &config.credentials {
                Some((user, password)) => builder.credentials(Credentials::new(user.clone(), password.to_string())).build(),
                None => builder.build(),
            }
        });
        Self { server, from }
    }

    /// Hands a notice over.
    pub async fn send(&self, due: &Due, text: &Text) -> Answer {
        let (Some(server), Some(from)) = (&self.server, &self.from) else { return Answer::unconfigured("smtp-client") };
        let Some(message) = message(due, text, from) else { return Answer::Refused("email-address".into()) };
        match server.send(message).await {
            Ok(_) => Answer::Taken(None),
            Err(error) => refused(&error),
        }
    }
}

fn tls(config: &config::Smtp, roots: &[Vec<u8>]) -> Result<Tls, Error> {
    let parameters = || {
        let roots = roots.iter().map(|root| Certificate::from_der(root.clone()));
        let builder = TlsParameters::builder(config.host.clone());
        roots
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .fold(builder, |builder, root| builder.add_root_certificate(root))
            .build_rustls()
    };
    match config.tls {
        SmtpTls::Wrapped => Ok(Tls::Wrapper(parameters()?)),
        SmtpTls::Required => Ok(Tls::Required(parameters()?)),
        SmtpTls::None => Ok(Tls::None),
    }
}

fn message(due: &Due, text: &Text, from: &Address) -> Option<Message> {
    let to: Address = due.address.expose().parse().ok()?;
    let id = format!("<{}@{}>", due.id, from.domain());
    Message::builder()
        .from(Mailbox::new(None, from.clone()))
        .to(Mailbox::new(None, to))
        .subject(text.subject.clone())
        .date(SystemTime::from(due.created_at))
        .message_id(Some(id))
        .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
        .header(ContentType::TEXT_PLAIN)
        .body(text.body.clone())
        .ok()
}

/// What the server said, by its code alone: its words may quote the address.
fn refused(error: &Error) -> Answer {
    let Some(code) = error.status().map(|code| code.to_string()) else {
        return if error.is_tls() { Answer::unconfigured("smtp-tls") } else { Answer::later("smtp-unreachable") };
    };
    let said = format!("smtp-{code}");
    match () {
        () if OF_ONE.contains(&code.as_str()) => Answer::Refused(said.into()),
        () if error.is_permanent() || code == CREDENTIALS => Answer::unconfigured(said),
        () => Answer::later(said),
    }
}
