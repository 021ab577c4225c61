//! Notices of our own → whoever delivers them. Called outside any transaction, and always with the same id: a crash between the call and its
//! record repeats the same thing under the same key, by which its provider knows it again.
//!
//! - [`smtp`]: e-mail; [`webhook`]: text messages and push; [`signature`]: what webhooks and receipts are signed with

pub mod signature;
pub mod smtp;
pub mod webhook;

use crate::watch::{Watch, pause};
use domain::notice::Channel;
use domain::notice::text::{self, Text};
use domain::retry::notice_delay;
use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};
use rand::Rng as _;
use runtime::Config;
use runtime::health::Component;
use runtime::worker::Context;
use smtp::Smtp;
use std::borrow::Cow;
use std::time::Duration;
use store::StoreError;
use store::notice::delivery::{self, Due, End, Ended};
use tokio::task::JoinSet;
use uuid::Uuid;
use webhook::Webhook;

/// Notices of one channel taken at a time, and under way at once: none waits for another while what it says may change.
const MOST: i64 = 16;
/// How long a provider has for one notice, all told.
const PATIENCE: Duration = Duration::from_secs(20);
/// A process that took notices and said nothing for so long has died: longer than all it took may last.
const LEASE: SignedDuration = SignedDuration::from_mins(3);
/// What came of a call is kept though the database is away for a moment: it is tried again after so long, until the lease ends.
const AGAIN: Duration = Duration::from_secs(1);
/// What is under way when the process is to stop has so long.
const GRACE: Duration = Duration::from_secs(10);

/// What a provider said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has it, and may call it by a name of its own.
    Taken(Option<String>),
    /// Not now.
    Later(Trouble),
    /// Never: a stable code.
    Refused(Cow<'static, str>),
}

/// Why not now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Stable, kebab-case.
    pub code: Cow<'static, str>,
    /// As long as the provider asks for.
    pub wait: Option<Duration>,
    /// No other notice would fare better: somebody must correct how the provider is reached.
    pub concerns_everybody: bool,
}

impl Answer {
    fn later(code: impl Into<Cow<'static, str>>) -> Self {
        Self::Later(Trouble { code: code.into(), wait: None, concerns_everybody: false })
    }

    fn unconfigured(code: impl Into<Cow<'static, str>>) -> Self {
        Self::Later(Trouble { code: code.into(), wait: None, concerns_everybody: true })
    }
}

/// Whoever delivers the notices of one channel.
enum Provider {
    Smtp(Box<Smtp>),
    Webhook(Box<Webhook>),
}

impl Provider {
    fn of(channel: Channel, config: &Config) -> Option<Self> {
        let (roots, config) = (&config.extra_roots, &config.notices);
        let webhook = |url| Some(Self::Webhook(Box::new(Webhook::new(url, &config.webhooks.secret, roots))));
        match channel {
            Channel::Email => config.smtp.as_ref().map(|smtp| Self::Smtp(Box::new(Smtp::new(smtp, &roots.der)))),
            Channel::Sms => config.webhooks.sms.clone().and_then(webhook),
            Channel::Push => config.webhooks.push.clone().and_then(webhook),
        }
    }

    async fn send(&self, due: &Due, text: &Text, now: Timestamp) -> Answer {
        let called = async {
            match self {
                Self::Smtp(smtp) => smtp.send(due, text).await,
                Self::Webhook(webhook) => webhook.send(due, text, now).await,
            }
        };
        tokio::time::timeout(PATIENCE, called).await.unwrap_or_else(|_| Answer::later("provider-slow"))
    }
}

/// Starts what delivers: each channel by itself, so that none waits for another's provider.
pub fn start(context: &Context, tasks: &mut JoinSet<()>) {
    for channel in Channel::ALL {
        if let Some(provider) = Provider::of(channel, &context.config) {
            tasks.spawn(deliver(context.clone(), channel, provider));
        }
    }
    tasks.spawn(oversee(context.clone()));
}

/// Delivers the notices of one channel until the context is cancelled.
async fn deliver(context: Context, channel: Channel, provider: Provider) {
    let name = channel.as_str();
    let mut watch = Watch::new(name, context.health.component(format!("notices by {name}")));
    loop {
        let round = round(&context, channel, &provider, watch.health()).await;
        let more = watch.look(round).unwrap_or(false) && !context.cancel.is_cancelled();
        if !more && !pause(&context).await {
            return;
        }
    }
}

/// Takes what is due, sends it, and stores what came of it. Tells whether more may be due.
async fn round(context: &Context, channel: Channel, provider: &Provider, health: &Component) -> Result<bool, StoreError> {
    let now = (context.clock)();
    let lease_end = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
    let taken = delivery::take(&context.store.session().await?, &[channel], now, lease_end, MOST).await?;
    let more = i64::try_from(taken.len()).is_ok_and(|taken| taken >= MOST);
    let one = |due: Due| async move {
        let answer = send(context, provider, &due).await;
        let end = ended(&due, answer, (context.clock)(), health);
        Ended { id: due.id, attempt: due.attempts, end }
    };
    let sending = async {
        let at_once = taken.len().max(1);
        let mut ends = stream::iter(taken).map(one).buffer_unordered(at_once).ready_chunks(at_once);
        while let Some(ends) = ends.next().await {
            keep(context, &ends, lease_end).await?;
        }
        Ok(more)
    };
    let overdue = async {
        context.cancel.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        sent = sending => sent,
        // Their lease ends; then any process sends them again.
        () = overdue => Ok(false),
    }
}

async fn keep(context: &Context, ends: &[Ended], lease_end: Timestamp) -> Result<(), StoreError> {
    loop {
        let kept = match context.store.session().await {
            Ok(session) => delivery::settle(&session, ends, (context.clock)()).await,
            Err(error) => Err(error),
        };
        match kept {
            Err(StoreError::Unavailable { .. } | StoreError::Conflict { .. }) if (context.clock)() < lease_end => {
                tokio::time::sleep(AGAIN).await
            }
            kept => return kept,
        }
    }
}

async fn send(context: &Context, provider: &Provider, due: &Due) -> Answer {
    let now = (context.clock)();
    let Some(about) = text::About::new(due.kind, due.starts_at) else { return Answer::Refused("start-missing".into()) };
    let started = std::time::Instant::now();
    let answer = provider.send(due, &text::text(about, due.language, &due.clinic_name), now).await;
    metrics::histogram!("dialogpost_notice_call_seconds", "channel" => due.channel.as_str()).record(started.elapsed());
    answer
}

/// What becomes of a notice after this answer. Told without the address and the text.
fn ended(due: &Due, answer: Answer, now: Timestamp, health: &Component) -> End {
    let (id, channel) = (due.id, due.channel.as_str());
    let concerns_everybody = matches!(&answer, Answer::Later(Trouble { concerns_everybody: true, .. }));
    let end = match answer {
        Answer::Taken(name) => End::Sent(name),
        Answer::Refused(code) => End::Failed(code.into_owned()),
        Answer::Later(Trouble { code, wait, .. }) => {
            let delay = notice_delay(due.attempts, wait, rand::rng().random());
            let next = SignedDuration::try_from(delay).ok().and_then(|delay| now.checked_add(delay).ok());
            match next.filter(|next| *next < due.expires_at) {
                Some(next) => End::Again(next, code.into_owned()),
                None => End::Failed(code.into_owned()),
            }
        }
    };
    let outcome = match &end {
        End::Sent(_) => "sent",
        End::Again(_, code) => {
            tracing::warn!(notice = %id, channel, code, attempts = due.attempts, "a notice is sent again later");
            "again"
        }
        End::Failed(code) => {
            alarm(id, due.kind.as_str(), channel, code);
            "failed"
        }
    };
    match &end {
        End::Again(_, code) | End::Failed(code) if concerns_everybody => {
            health.failing(format!("its provider does not take what we send: {code}"))
        }
        _ => health.ok(),
    }
    count(channel, outcome);
    end
}

pub(crate) fn alarm(id: Uuid, kind: &'static str, channel: &'static str, code: &str) {
    tracing::error!(notice = %id, kind, channel, code, "a notice could not be delivered");
}

pub(crate) fn count(channel: &'static str, outcome: &'static str) {
    metrics::counter!("dialogpost_notice_deliveries_total", "channel" => channel, "outcome" => outcome).increment(1);
}

/// Gives up what is too late, and says what waits for a channel that this process cannot use.
async fn oversee(context: Context) {
    let mut watch = Watch::new("notices", context.health.component("notices"));
    loop {
        match watch.look(check(&context).await) {
            Some(unserved) if unserved.is_empty() => watch.health().ok(),
            Some(unserved) => {
                let names: Vec<&str> = unserved.iter().map(|channel| variable(*channel)).collect();
                watch.health().failing(format!("notices wait for what is not set here: {}", names.join(", ")));
            }
            None => {}
        }
        if !pause(&context).await {
            return;
        }
    }
}

async fn check(context: &Context) -> Result<Vec<Channel>, StoreError> {
    let now = (context.clock)();
    let session = context.store.session().await?;
    for (id, kind, channel) in delivery::expire(&session, now, MOST).await? {
        alarm(id, kind.as_str(), channel.as_str(), "expired");
        count(channel.as_str(), "expired");
    }
    let served = context.config.notices.channels();
    let others: Vec<Channel> = Channel::ALL.into_iter().filter(|channel| !served.contains(channel)).collect();
    if others.is_empty() { Ok(others) } else { delivery::wanted(&session, &others, now).await }
}

/// What makes a channel usable.
const fn variable(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "SMS_URL",
        Channel::Email => "SMTP_URL",
        Channel::Push => "PUSH_URL",
    }
}
