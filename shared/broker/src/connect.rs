//! Addresses, connections, and what lapin's errors mean.

use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};
use lapin::tcp::OwnedTLSConfig;
use lapin::types::ShortString;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties, ErrorKind};
use messages::Fault;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How long connecting, opening a channel, or any other answer of the broker may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How long a goodbye may take; past it the connection is just dropped.
const GOODBYE: Duration = Duration::from_secs(2);
/// Seconds between heartbeats unless the address says otherwise: a dead broker is noticed after twice that.
const HEARTBEAT: u16 = 10;

/// Bytes of a frame at most. The client keeps room for 64 of them for each connection, 2 MiB; of RabbitMQ's own size that would be 8 MiB.
pub(crate) const FRAME_MAX: u32 = 32 * 1024;
/// RabbitMQ's own size: no sender's headers, which go into one frame, are larger.
const LARGE_FRAME_MAX: u32 = 128 * 1024;

/// The address of a broker, validated. Neither `Debug` nor `Display` shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct AmqpUrl {
    uri: AMQPUri,
    authority_pem: Option<String>,
}

impl AmqpUrl {
    /// The same, trusting this certificate authority (PEM) besides the public ones.
    #[must_use]
    pub fn with_certificate_authority(mut self, pem: impl Into<String>) -> Self {
        self.authority_pem = Some(pem.into());
        self
    }

    /// The same broker, another virtual host.
    #[must_use]
    pub fn with_vhost(mut self, vhost: impl Into<String>) -> Self {
        self.uri.vhost = vhost.into();
        self
    }

    /// The same, for messages whose headers fit into no smaller frame.
    #[must_use]
    pub(crate) fn with_large_frames(mut self) -> Self {
        self.uri.query.frame_max = self.uri.query.frame_max.max(Some(LARGE_FRAME_MAX));
        self
    }

    /// The name under which the broker knows whoever connects.
    pub(crate) fn user(&self) -> &str {
        &self.uri.authority.userinfo.username
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.uri.scheme == AMQPScheme::AMQPS
    }
}

impl FromStr for AmqpUrl {
    type Err = Fault;

    /// `amqp[s]://user:password@host[:port][/vhost][?heartbeat=seconds]`; a bare or missing path is the vhost `/`.
    ///
    /// In the connection strings of HelseNorge's own library the path names an exchange instead: do not pass one of those on unchanged.
    fn from_str(text: &str) -> Result<Self, Fault> {
        let wrong =
            |what| Fault::broken("amqp-url", format!("the broker's address (amqp[s]://user:password@host:port/vhost) {what}"));
        let mut uri: AMQPUri = text.trim().parse().map_err(|_| wrong("cannot be read"))?;
        // The parser takes what it cannot read, such as an IPv6 address, for localhost.
        if !text.contains(&uri.authority.host) || uri.authority.host.is_empty() {
            return Err(wrong("has no host name that can be read; use a name or an IPv4 address"));
        }
        if uri.vhost.is_empty() {
            "/".clone_into(&mut uri.vhost);
        }
        uri.query.heartbeat = Some(uri.query.heartbeat.filter(|s| *s > 0).unwrap_or(HEARTBEAT));
        uri.query.frame_max = Some(uri.query.frame_max.filter(|bytes| *bytes > 0).unwrap_or(FRAME_MAX));
        Ok(Self { uri, authority_pem: None })
    }
}

impl fmt::Display for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { scheme, authority, vhost, .. } = &self.uri;
        let vhost = if vhost == "/" { "%2f" } else { vhost };
        write!(f, "{scheme}://{}:***@{}:{}/{vhost}", authority.userinfo.username, authority.host, authority.port)
    }
}

impl fmt::Debug for AmqpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Connects, within [`PATIENCE`], under a name that the broker's operator sees. lapin's own recovery stays off: it would hide redeliveries.
pub(crate) async fn connect(url: &AmqpUrl, name: &str) -> Result<Connection, Fault> {
    let runtime = lapin::runtime::default_runtime().map_err(|e| classify(&e))?;
    let options = ConnectionProperties::default().with_connection_name(name.into());
    let tls = OwnedTLSConfig { identity: None, cert_chain: url.authority_pem.clone() };
    let connecting = Connection::connect_uri_with_config(url.uri.clone(), options, tls, runtime);
    within(PATIENCE, connecting).await
}

/// Says goodbye to a connection, briefly.
pub(crate) async fn close(connection: Connection) {
    // A broker that does not answer any more, or has stopped reading, must not hold up our exit.
    if tokio::time::timeout(GOODBYE, connection.close(200, short("done").unwrap_or_default())).await.is_err() {
        tracing::debug!("the broker did not answer the goodbye");
    }
}

/// A call to the broker with its errors classified and an end.
pub(crate) async fn within<T>(limit: Duration, call: impl Future<Output = lapin::Result<T>>) -> Result<T, Fault> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer.map_err(|e| classify(&e)),
        Err(_) => Err(Fault::transient("amqp-timeout", format!("no answer from the broker within {} s", limit.as_secs()))),
    }
}

/// A short string, fallibly: AMQP 0.9.1 allows 255 bytes and lapin's other constructor panics beyond.
pub(crate) fn short(text: &str) -> Result<ShortString, Fault> {
    ShortString::try_new(text).map_err(|_| {
        Fault::broken("amqp-property-too-long", format!("AMQP 0.9.1 allows 255 bytes for this field, not {}", text.len()))
    })
}

/// What an error of lapin means, decided here and nowhere else.
pub(crate) fn classify(error: &lapin::Error) -> Fault {
    match error.kind() {
        // The parser's own text may quote the frame.
        ErrorKind::ParsingError(_) => Fault::transient(
            "amqp-unreadable-frame",
            "the broker sent a frame that AMQP 0.9.1 does not allow, such as a binary message id",
        ),
        ErrorKind::ProtocolError(reply) => protocol(reply.kind(), reply.get_message().as_str()),
        // rustls's own words, in an error of the network.
        ErrorKind::IOError(e) if e.to_string().contains("invalid peer certificate") => {
            Fault::transient("amqp-untrusted", format!("nobody we trust vouches for the broker: {e}"))
        }
        ErrorKind::IOError(e) | ErrorKind::RuntimeShutdownError(e) => {
            Fault::transient("amqp-connection", format!("network: {e}"))
        }
        ErrorKind::ChannelsLimitReached => {
            Fault::broken("amqp-channels-used-up", "the broker allows no more channels on a connection, and each queue needs one")
        }
        ErrorKind::MissingHeartbeatError => Fault::transient("amqp-connection", "the broker has stopped sending heartbeats"),
        ErrorKind::SerialisationError(_) => Fault::broken("amqp-unwritable-frame", "a message that AMQP 0.9.1 cannot carry"),
        other => Fault::transient("amqp-connection", format!("connection lost: {}", lapin::Error::from(other.clone()))),
    }
}

fn protocol(kind: &AMQPErrorKind, text: &str) -> Fault {
    let fault = |code, text: &str| Fault::broken(code, text.to_owned());
    match kind {
        AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) => fault("amqp-not-found", text),
        AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => fault("amqp-access-refused", text),
        AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) => fault("amqp-precondition-failed", text),
        AMQPErrorKind::Soft(AMQPSoftError::CONTENTTOOLARGE) => fault("amqp-content-too-large", text),
        AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => fault("amqp-not-allowed", text),
        // The client's own word: the broker has sent more than a frame.
        AMQPErrorKind::Hard(AMQPHardError::FRAMEERROR) => Fault::transient("amqp-unreadable-frame", text.to_owned()),
        AMQPErrorKind::Hard(AMQPHardError::INTERNALERROR) => Fault::transient("amqp-internal-error", text.to_owned()),
        AMQPErrorKind::Soft(_) | AMQPErrorKind::Hard(_) => Fault::transient("amqp-connection", text.to_owned()),
    }
}

/// Whether a fault of a consuming connection may come from one message at the head of a queue, which would bring the next connection down too.
pub(crate) fn is_poison(fault: &Fault) -> bool {
    matches!(fault.code, "amqp-unreadable-frame" | "amqp-internal-error")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapin::protocol::AMQPError;
    use messages::FaultClass;

    #[test]
    fn addresses() {
        for (text, shown) in [
            ("amqp://u:p@h", "amqp://u:***@h:5672/%2f"),
            ("amqp://u:p@h/", "amqp://u:***@h:5672/%2f"),
            ("amqp://u:hemmelig%2f@10.0.0.1:5673/%2f", "amqp://u:***@10.0.0.1:5673/%2f"),
            ("amqps://u:p@sb.test.nhn.no/post?heartbeat=4", "amqps://u:***@sb.test.nhn.no:5671/post"),
        ] {
            let url: AmqpUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
            assert_eq!(url.is_encrypted(), text.starts_with("amqps"));
        }
        for text in ["", "h:5672", "http://h", "amqp:h", "amqp://u:p@[::1]:5672", "amqp://u:p@h/v?heartbeat=x"] {
            let fault = text.parse::<AmqpUrl>().unwrap_err();
            assert_eq!((fault.class, fault.code), (FaultClass::Broken, "amqp-url"), "{text}");
        }
        assert!(!"amqp://u:hemmelig@h:x".parse::<AmqpUrl>().unwrap_err().to_string().contains("hemmelig"));
    }

    #[test]
    fn frames_are_small_unless_the_address_says_otherwise() {
        for (text, want) in [("amqp://h", FRAME_MAX), ("amqp://h?frame_max=0", FRAME_MAX), ("amqp://h?frame_max=131072", 131_072)]
        {
            assert_eq!(text.parse::<AmqpUrl>().unwrap().uri.query.frame_max, Some(want), "{text}");
        }
    }

    #[test]
    fn l9_heartbeats_are_never_off() {
        for (text, want) in [("amqp://h", 10), ("amqp://h?heartbeat=0", 10), ("amqp://h?heartbeat=4", 4)] {
            assert_eq!(text.parse::<AmqpUrl>().unwrap().uri.query.heartbeat, Some(want), "{text}");
        }
    }

    #[test]
    fn errors_say_who_must_act() {
        let reply = |code| {
            let error = AMQPError::from_id(code, short("text").unwrap()).unwrap();
            let fault = classify(&ErrorKind::ProtocolError(error).into());
            (fault.code, fault.class, is_poison(&fault))
        };
        for (code, want) in [
            (404, ("amqp-not-found", FaultClass::Broken, false)),
            (403, ("amqp-access-refused", FaultClass::Broken, false)),
            (406, ("amqp-precondition-failed", FaultClass::Broken, false)),
            (320, ("amqp-connection", FaultClass::Transient, false)),
            (541, ("amqp-internal-error", FaultClass::Transient, true)),
            (530, ("amqp-not-allowed", FaultClass::Broken, false)),
            (501, ("amqp-unreadable-frame", FaultClass::Transient, true)),
        ] {
            assert_eq!(reply(code), want, "{code}");
        }
        assert_eq!(classify(&ErrorKind::MissingHeartbeatError.into()).class, FaultClass::Transient);
        assert_eq!(classify(&std::io::Error::other("x").into()).class, FaultClass::Transient);
    }

    #[test]
    fn case_11_short_strings_never_panic() {
        assert!(short(&"å".repeat(127)).is_ok());
        assert_eq!(short(&"å".repeat(128)).unwrap_err().code, "amqp-property-too-long");
    }
}
