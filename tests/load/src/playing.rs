//! HelseNorge: sends at fixed times, and hears receipts and error messages.

use crate::mix::{End, Shot};
use futures_util::StreamExt;
use helsenorge::example::{HELSENORGE, async_queue, error_queue};
use helsenorge::{Exchange, HelseNorge, Pace, Received, SEALED, Sending, Trouble};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// By MsgId, each receipt: when it came, and whether it is positive.
    pub(crate) receipts: HashMap<String, Vec<(Timestamp, bool)>>,
    /// Error messages.
    pub(crate) errors: u64,
    /// Sealed, and not opened yet: that takes the processor's time, which is the fleet's now.
    sealed: Vec<Received>,
    /// Those that could not be opened, and those that should have been sealed.
    pub(crate) unopened: u64,
}

impl Heard {
    fn add(&mut self, received: Received) {
        match &received.apprec {
            Some(apprec) => {
                let id = apprec.original_id.clone().unwrap_or_default().to_lowercase();
                self.receipts.entry(id).or_default().push((received.at, apprec.errors.is_empty()));
            }
            // An error message has the content type, and no body.
            None if !received.body.is_empty() && received.properties.content_type.as_deref() == Some(SEALED) => {
                self.sealed.push(received);
            }
            None => self.errors += 1,
        }
    }

    fn count(&self) -> u64 {
        self.receipts.values().map(|receipts| receipts.len() as u64).sum::<u64>() + self.errors + self.sealed.len() as u64
    }

    /// Opens what is sealed. A receipt that was not is none: in an exchange everything but error messages is protected.
    pub(crate) fn open(&mut self, exchange: &Exchange) {
        self.unopened += self.receipts.drain().map(|(_, receipts)| receipts.len() as u64).sum::<u64>();
        for opened in exchange.opened_all(std::mem::take(&mut self.sealed)) {
            match opened {
                Some(received) if received.apprec.is_some() => self.add(received),
                _ => self.unopened += 1,
            }
        }
    }
}

/// What was sent, and what came back.
pub(crate) struct Played {
    pub(crate) started_at: Timestamp,
    pub(crate) sending: Sending,
    pub(crate) heard: Heard,
}

/// Sends, and waits until all that must come back has, or nothing has for so long.
pub(crate) async fn play(helsenorge: &HelseNorge, shots: &[Shot], pace: Pace, patience: Duration) -> Result<Played, Trouble> {
    let (tell, mut told) = mpsc::unbounded_channel();
    for queue in [async_queue(HELSENORGE), error_queue(HELSENORGE)] {
        let (mut listening, tell) = (helsenorge.listen(&queue).await?, tell.clone());
        tokio::spawn(async move {
            while let Some(received) = listening.next().await {
                if tell.send(received).is_err() {
                    return;
                }
            }
        });
    }
    drop(tell);
    let wanted = shots.iter().filter(|shot| shot.end != End::Redelivered).count() as u64;
    let bar = bar(wanted);
    let hearing = async {
        let (mut heard, mut last) = (Heard::default(), Instant::now());
        loop {
            match tokio::time::timeout(Duration::from_secs(1), told.recv()).await {
                Ok(Some(received)) => {
                    heard.add(received);
                    last = Instant::now();
                    bar.set_position(heard.count());
                }
                Ok(None) => return heard,
                // Somewhat longer: a receipt too many must be seen, too.
                Err(_) if heard.count() >= wanted && last.elapsed() > Duration::from_secs(2) => return heard,
                Err(_) if last.elapsed() > patience => return heard,
                Err(_) => {}
            }
        }
    };
    #[allow(clippy::disallowed_methods)]
    let started_at = Timestamp::now();
    let messages = shots.iter().map(|shot| shot.sent.clone());
    let (sending, heard) = tokio::join!(helsenorge.send_paced(messages, pace), hearing);
    bar.finish_and_clear();
    Ok(Played { started_at, sending, heard })
}

fn bar(wanted: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        eprintln!("sending, and waiting for {wanted} answers ...");
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} answers, {per_sec}, {elapsed}");
    ProgressBar::new(wanted).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
