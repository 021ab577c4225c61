//! A mail server (RFC 5321) that takes e-mail over TLS, at once or after STARTTLS (RFC 3207), and knows a message again by its `Message-ID`.

use crate::authority::{Authority, HOST};
use crate::mood::{Mood, Moods};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// User and password that it wants, and as a client sends them (AUTH PLAIN of `notices` and `hemmelig`).
const LOGIN: &str = "AG5vdGljZXMAaGVtbWVsaWc=";

/// A message that came, each time that it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// From the envelope.
    pub from: String,
    /// From the envelope.
    pub to: String,
    /// Headers and body.
    pub content: String,
}

impl Mail {
    /// A header, on one line.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.content.split("\r\n\r\n").next()?.replace("\r\n ", " ");
        let of =
            |line: &str| line.split_once(": ").filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned());
        head.split("\r\n").find_map(of)
    }
}

/// How it is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// TLS from the first byte.
    Wrapped,
    /// In the clear until STARTTLS.
    StartTls,
    /// In the clear: it knows nothing else.
    Clear,
}

#[derive(Default)]
struct Kept {
    calls: Vec<Mail>,
    mails: BTreeMap<String, Mail>,
    /// What it was told in the clear.
    overheard: Vec<String>,
}

struct Shared {
    moods: Moods,
    kept: Mutex<Kept>,
}

/// A mail server on this machine. Dropping it closes it.
pub struct MailServer {
    port: u16,
    speech: Speech,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl MailServer {
    /// Serves on a free port.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start(authority: &Authority, speech: Speech) -> Self {
        let listener = TcpListener::bind((HOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it has an address").port();
        let shared = Arc::new(Shared { moods: Moods::default(), kept: Mutex::default() });
        let (acceptor, sharing) = (authority.acceptor(), Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&sharing));
                tokio::spawn(async move {
                    let _ = serve(stream, &acceptor, speech, &shared).await;
                });
            }
        });
        Self { port, speech, shared, serving }
    }

    /// Where it is called, by one whom it lets in.
    pub fn url(&self) -> String {
        match self.speech {
            Speech::Wrapped => format!("smtps://notices:hemmelig@{HOST}:{}", self.port),
            Speech::StartTls | Speech::Clear => format!("smtp://notices:hemmelig@{HOST}:{}?tls=required", self.port),
        }
    }

    /// Where it is called, by one whom it does not let in.
    pub fn url_of_a_stranger(&self) -> String {
        format!("smtps://notices:feil@{HOST}:{}", self.port)
    }

    /// How it behaves from now on.
    pub fn moods(&self, moods: &[Mood]) {
        self.shared.moods.set(moods);
    }

    /// Every message, each time that it came.
    pub fn calls(&self) -> Vec<Mail> {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner).calls.clone()
    }

    /// What it was told in the clear.
    pub fn overheard(&self) -> Vec<String> {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner).overheard.clone()
    }

    /// What it has taken, each once, by its `Message-ID`.
    pub fn mails(&self) -> BTreeMap<String, Mail> {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner).mails.clone()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(stream: TcpStream, acceptor: &TlsAcceptor, speech: Speech, shared: &Shared) -> io::Result<()> {
    if speech != Speech::Wrapped {
        let mut clear = BufReader::new(stream);
        say(&mut clear, "220 mail.test ESMTP").await?;
        while let Some(line) = hear(&mut clear).await? {
            shared.kept.lock().unwrap_or_else(PoisonError::into_inner).overheard.push(line.clone());
            match (line.split(' ').next().unwrap_or_default(), speech) {
                ("EHLO", Speech::StartTls) => say(&mut clear, "250-mail.test\r\n250 STARTTLS").await?,
                ("EHLO", _) => say(&mut clear, "250-mail.test\r\n250 AUTH PLAIN").await?,
                ("STARTTLS", Speech::StartTls) => {
                    say(&mut clear, "220 2.0.0 go on").await?;
                    return converse(BufReader::new(acceptor.accept(clear.into_inner()).await?), shared).await;
                }
                _ => say(&mut clear, "502 5.5.1 no").await?,
            }
        }
        return Ok(());
    }
    let mut stream = BufReader::new(acceptor.accept(stream).await?);
    say(&mut stream, "220 mail.test ESMTP").await?;
    converse(stream, shared).await
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(mut stream: BufReader<S>, shared: &Shared) -> io::Result<()> {
    let mut mail = Mail { from: String::new(), to: String::new(), content: String::new() };
    let mut is_in = false;
    while let Some(line) = hear(&mut stream).await? {
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let answer = match (verb.to_ascii_uppercase().as_str(), is_in) {
            ("EHLO", _) => "250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN".to_owned(),
            ("AUTH", _) => {
                is_in = rest.ends_with(LOGIN);
                if is_in { "235 2.7.0 welcome".to_owned() } else { "535 5.7.8 no".to_owned() }
            }
            ("NOOP" | "RSET", _) => "250 2.0.0 ok".to_owned(),
            ("QUIT", _) => return say(&mut stream, "221 2.0.0 bye").await,
            ("MAIL", true) => {
                address(rest).clone_into(&mut mail.from);
                "250 2.1.0 ok".to_owned()
            }
            ("RCPT", true) => {
                address(rest).clone_into(&mut mail.to);
                match shared.moods.next() {
                    // What it quotes nobody may log.
                    Mood::Status(status) | Mood::Busy(status, _) => format!("{status} no such place: {}", mail.to),
                    mood => match take(&mut stream, shared, &mut mail, mood).await? {
                        true => continue,
                        false => return Ok(()),
                    },
                }
            }
            _ => "503 5.5.1 not now".to_owned(),
        };
        say(&mut stream, &answer).await?;
    }
    Ok(())
}

/// Takes a message after its recipient. Tells whether the connection goes on.
async fn take<S>(stream: &mut BufReader<S>, shared: &Shared, mail: &mut Mail, mood: Mood) -> io::Result<bool>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    say(stream, "250 2.1.5 ok").await?;
    if hear(stream).await?.as_deref() != Some("DATA") {
        return Ok(false);
    }
    say(stream, "354 go on").await?;
    mail.content.clear();
    while let Some(line) = hear(stream).await? {
        if line == "." {
            break;
        }
        mail.content.push_str(line.strip_prefix('.').unwrap_or(&line));
        mail.content.push_str("\r\n");
    }
    {
        let mut kept = shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let id = mail.header("Message-ID").expect("a Message-ID");
        kept.calls.push(mail.clone());
        kept.mails.insert(id, mail.clone());
    }
    match mood {
        Mood::Cut => return Ok(false),
        Mood::Silent => std::future::pending().await,
        _ => {}
    }
    say(stream, "250 2.0.0 taken").await?;
    Ok(true)
}

async fn say<S: AsyncWrite + AsyncRead + Unpin>(stream: &mut BufReader<S>, line: &str) -> io::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    stream.flush().await
}

async fn hear<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await?;
    Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Of `FROM:<…>` and `TO:<…>`, with what may follow.
fn address(text: &str) -> &str {
    text.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(address, _)| address)
}
