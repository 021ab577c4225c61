//! HelseNorge writes to the example clinics, patients book there, and the clinic changes what they booked; shows live what comes of it, and
//! fails unless all of it ends as it must.
//!
//! Works on a fleet that runs already, as often as you like: see `deploy/demo.sh`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]
#![allow(clippy::indexing_slicing, reason = "rows, what was seen of them and verdicts are lists of one length")]

mod appointments;
mod epj;
mod exchange;
mod receiver;
mod reply;
mod setup;
mod story;
mod table;
mod watch;

use appointments::Stage;
use clap::{Parser, Subcommand};
use epj::Epj;
use exchange::Exchange;
use futures_util::stream::select;
use futures_util::{Stream, StreamExt};
use helsenorge::{HelseNorge, Received};
use jiff::Timestamp;
use receiver::Texts;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use story::{Row, story};
use table::Screen;
use tokio::time::timeout;
use uuid::Uuid;
use watch::{Ledger, Seen, Told, Verdict, answers, replies, told};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How long every message together may take.
const LIMIT: Duration = Duration::from_secs(20);
/// How often the database is looked at: no time shown is more exact.
const GLANCE: Duration = Duration::from_millis(5);
/// Between two messages, when somebody watches.
const PACE: Duration = Duration::from_millis(200);
/// How long HelseNorge listens for answers that should not come.
const QUIET: Duration = Duration::from_millis(300);

/// Lets HelseNorge write to the example clinics, and checks what becomes of it.
///
/// Wants a running fleet with the set-up files of `demo pki`, or `demo clinics`, applied, TEST_NUMBER_SERIES=80,40, the stand-in's queues
/// (dialogpost topology apply --nhn-standin), and text messages going to `demo receive`. Reads DATABASE_URL, AMQP_URL, NHN_AMQP_URL (default:
/// AMQP_URL) and NHN_EXCHANGE (default: NHNTESTServiceBus). Takes what lies on HelseNorge's queues.
///
/// With --exchange (or DEMO_EXCHANGE) HelseNorge signs and encrypts what it sends and wants what it gets so, with the keys that `demo pki` has
/// made in that directory. Without, everything is plain: the fleet must run with PLAIN_CONTENT=accept.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Exit codes: 0 everything ended as it must; 1 something did not; 2 it could not be tried.")]
struct Arguments {
    #[command(subcommand)]
    instead: Option<Instead>,
    /// Where the keys and certificates are [default: $DEMO_EXCHANGE]
    #[arg(long, value_name = "DIR")]
    exchange: Option<PathBuf>,
    /// Where `demo receive` keeps text messages [default: $DEMO_TEXTS]
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// Where to write the ledger id of a delivered message.
    #[arg(long, value_name = "FILE")]
    id_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Instead {
    /// Makes authorities, keys, certificates and the set-up files that name them: KEYS_DIR is DIR/keys, TRUST_DIR is DIR/trust.
    Pki {
        /// Where to write them. What is there is replaced.
        dir: PathBuf,
    },
    /// Makes the set-up files alone, of clinics without keys.
    Clinics {
        /// Where to write them. What is there is replaced.
        dir: PathBuf,
    },
    /// Takes text messages until it is stopped, as their provider would: DIR/receiver.env says how the fleet finds it.
    Receive {
        /// Where to keep them, in texts.jsonl. What is there is replaced.
        dir: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.instead {
        Some(Instead::Pki { dir }) => make_exchange(dir),
        Some(Instead::Clinics { dir }) => setup::write(dir, false).map(|()| true),
        Some(Instead::Receive { dir }) => receiver::receive(dir).await,
        None => run(&arguments).await,
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("the demo could not be carried out: {problem}");
            ExitCode::from(2)
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "certificates and appointments go by the clock on the wall")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn make_exchange(dir: &Path) -> Outcome<bool> {
    exchange::write(dir, now())?;
    println!("made two authorities, their revocation lists, and keys and certificates of HelseNorge and the clinics");
    Ok(true)
}

async fn run(arguments: &Arguments) -> Outcome<bool> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let database = variable("DATABASE_URL").ok_or("DATABASE_URL is not set")?;
    let own = variable("AMQP_URL").ok_or("AMQP_URL is not set")?;
    let broker = variable("NHN_AMQP_URL").unwrap_or_else(|| own.clone());
    let exchange = variable("NHN_EXCHANGE").unwrap_or_else(|| "NHNTESTServiceBus".to_owned());
    let texts = arguments.texts.clone().or_else(|| variable("DEMO_TEXTS").map(PathBuf::from)).ok_or("DEMO_TEXTS is not set")?;
    let helsenorge = HelseNorge::connect(&broker, &exchange).await?;
    let dir = arguments.exchange.clone().or_else(|| variable("DEMO_EXCHANGE").map(PathBuf::from));
    let exchange = dir.as_deref().map(Exchange::read).transpose()?;
    let mut demo = Demo::new(Ledger::connect(&database).await?, exchange);
    let mut answers = answers(&helsenorge).await?;
    demo.play(&helsenorge, &mut answers).await?;
    demo.listen_on(&helsenorge, &mut answers).await?;
    if let (Some(file), Some(id)) = (&arguments.id_file, demo.example()) {
        std::fs::write(file, format!("{id}\n"))?;
    }
    let is_well = demo.report();
    println!();
    let queues = select(answers, replies(&helsenorge).await?);
    let (exchange, ledger) = (demo.exchange.as_ref(), &demo.ledger);
    let stage = Stage { helsenorge: &helsenorge, queues, exchange, ledger, epj: Epj::new(&own)?, texts: Texts::of(texts) };
    let appointments = appointments::play(stage).await?;
    helsenorge.close().await;
    Ok(is_well && appointments)
}

struct Demo {
    ledger: Ledger,
    exchange: Option<Exchange>,
    rows: Vec<Row>,
    seen: Vec<Seen>,
    verdicts: Vec<Verdict>,
    /// Messages that clinics have written meanwhile, and HelseNorge has receipted.
    receipted: usize,
    /// Answers to nothing that was sent here.
    stray: usize,
}

impl Demo {
    fn new(ledger: Ledger, exchange: Option<Exchange>) -> Self {
        let rows = story(exchange.as_ref());
        let (seen, verdicts) = (vec![Seen::default(); rows.len()], vec![Verdict::Waiting; rows.len()]);
        Self { ledger, exchange, rows, seen, verdicts, receipted: 0, stray: 0 }
    }

    /// Sends every row in its turn and watches until all have ended or the time is up.
    async fn play(&mut self, helsenorge: &HelseNorge, answers: &mut (impl Stream<Item = Received> + Unpin)) -> Outcome<()> {
        let screen = Screen::new();
        let (began, mut paced) = (Instant::now(), Instant::now());
        while self.verdicts.contains(&Verdict::Waiting) && began.elapsed() < LIMIT {
            if let Some(n) = self.due()
                && Instant::now() >= paced
            {
                paced = Instant::now() + if screen.live() { PACE } else { Duration::ZERO };
                self.seen[n].sent = Some(Instant::now());
                helsenorge.publish(std::slice::from_ref(&self.rows[n].sent)).await?;
            }
            if let Ok(Some(answer)) = timeout(GLANCE, answers.next()).await {
                self.answer(&answer, helsenorge).await?;
            }
            self.look().await?;
            screen.draw(&table::table(&self.rows, &self.seen, &self.verdicts));
        }
        screen.end();
        Ok(())
    }

    /// The next row to send, unless it waits for another.
    fn due(&self) -> Option<usize> {
        let next = self.seen.iter().position(|seen| seen.sent.is_none())?;
        let waits = self.rows[next].after.is_some_and(|after| self.verdicts[after] == Verdict::Waiting);
        (!waits).then_some(next)
    }

    /// Assigns what HelseNorge was told to the row it is about, and receipts what a clinic has written.
    async fn answer(&mut self, received: &Received, helsenorge: &HelseNorge) -> Outcome<()> {
        let at = Instant::now();
        if let Some(receipt) = reply::receipt(received, self.exchange.as_ref()) {
            helsenorge.publish(std::slice::from_ref(&receipt)).await?;
            self.receipted += 1;
            return Ok(());
        }
        let id = received.properties.message_id.as_deref().and_then(|id| Uuid::try_parse(id).ok());
        let about = match id {
            Some(id) => self.ledger.answered(id).await?,
            None => None,
        };
        // What was answered was stored before: look, so that its row is known. The first of the rows with one transport id is meant.
        self.look().await?;
        match self.seen.iter_mut().find(|seen| about.is_some() && seen.traces.first().map(|t| t.id) == about) {
            Some(seen) => seen.told.push((told(received, self.exchange.as_ref()), at)),
            None => self.stray += 1,
        }
        Ok(())
    }

    /// Looks into the database and judges every row anew.
    async fn look(&mut self) -> Outcome<()> {
        let ids: Vec<&str> = self.rows.iter().map(|row| row.sent.transport_id.as_str()).collect();
        let traces = self.ledger.traces(&ids).await?;
        let now = Instant::now();
        for (row, seen) in self.rows.iter().zip(&mut self.seen).filter(|(_, seen)| seen.sent.is_some()) {
            seen.traces = traces.get(&row.sent.transport_id).cloned().unwrap_or_default();
            if row.end != story::End::Known && seen.traces.iter().any(|trace| !trace.recipients.is_empty()) {
                seen.in_inbox.get_or_insert(now);
            }
        }
        for n in (0..self.rows.len()).rev() {
            let overtaken = self.verdicts.get(n + 1).is_some_and(|next| *next != Verdict::Waiting);
            self.verdicts[n] = self.seen[n].verdict(&self.rows[n], overtaken);
        }
        Ok(())
    }

    /// Listens a moment longer: an answer too many would come now.
    async fn listen_on(&mut self, helsenorge: &HelseNorge, answers: &mut (impl Stream<Item = Received> + Unpin)) -> Outcome<()> {
        let until = Instant::now() + QUIET;
        while let Ok(Some(answer)) = timeout(until.saturating_duration_since(Instant::now()), answers.next()).await {
            self.answer(&answer, helsenorge).await?;
        }
        self.look().await
    }

    /// A message that went all the way.
    fn example(&self) -> Option<Uuid> {
        self.seen.iter().filter_map(|seen| seen.traces.first()).find(|trace| trace.journaled).map(|trace| trace.id)
    }

    /// Prints the complete table and what is wrong with it; whether nothing is.
    fn report(&self) -> bool {
        println!("{}", table::table(&self.rows, &self.seen, &self.verdicts));
        for (row, verdict) in self.rows.iter().zip(&self.verdicts) {
            match verdict {
                Verdict::AsExpected => {}
                Verdict::Waiting => println!("✗ {}: has not ended after {} s", row.title, LIMIT.as_secs()),
                Verdict::Wrong(faults) => println!("✗ {}: must end as {:?}, but: {faults}", row.title, row.end),
            }
        }
        if self.receipted > 0 {
            println!("HelseNorge receipted {} message(s) that clinics had written", self.receipted);
        }
        if self.stray > 0 {
            println!("✗ HelseNorge got {} answer(s) to nothing that was sent here", self.stray);
        }
        let right = self.verdicts.iter().filter(|verdict| **verdict == Verdict::AsExpected).count();
        println!("{right} of {} messages ended as they must", self.rows.len());
        println!("{}", self.protection());
        println!("What comes again under the same AMQP id is the same row of the ledger below.");
        right == self.rows.len() && self.stray == 0
    }

    /// What was protected. A receipt that was not has been told as such, and its row is wrong.
    fn protection(&self) -> String {
        if self.exchange.is_none() {
            return "Nothing was signed or encrypted: this is the plain demo.".to_owned();
        }
        let sealed = self.rows.iter().filter(|row| row.is_sealed()).count();
        let is_receipt = |told: &&(Told, Instant)| matches!(told.0, Told::Ok | Told::Rejected(_));
        let receipts = self.seen.iter().flat_map(|seen| &seen.told).filter(is_receipt).count();
        format!(
            "Signed and encrypted: {sealed} of {} messages, and all {receipts} receipts, which HelseNorge decrypted and verified; \
             what was not, or was signed by another, was to be refused.",
            self.rows.len()
        )
    }
}
