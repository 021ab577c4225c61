//! Revocation lists: from `TRUST_DIR`, from the database, and from where certificates say they are.
//!
//! Nobody waits for a server: what is missing is fetched beside, and whoever needs it asks again. A list is kept, here and in the
//! database, only when it says something of the certificate that it was fetched for, and it is fetched anew before it ends. A server
//! that fails is left alone for a while.

use super::trust_dir::{read_list, read_trust_dir};
use jiff::{SignedDuration, Timestamp};
use reqwest::redirect;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store::Store;
use store::crl::{self, StoredCrl};
use tokio::task::{JoinSet, spawn_blocking};
use trust::{Crl, Crls, Fetched, Wanted};

/// How long a server has to take a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// How long it has for a list, all told.
const PATIENCE: Duration = Duration::from_secs(30);
/// A server that failed is left alone so long.
const PAUSE: Duration = Duration::from_secs(20);
/// Redirects in a row at most.
const REDIRECTS: usize = 2;
/// Largest list, in bytes.
const LIMIT: u64 = 32 * 1024 * 1024;
/// `TRUST_DIR` is read again so often.
const REREAD: Duration = Duration::from_secs(60);
/// A list is fetched anew when less than a quarter of its life is left, and never later than this before its end.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);
/// A list that is to be fetched anew is asked for at most so often.
const BETWEEN: SignedDuration = SignedDuration::from_secs(20);

/// The lists at hand, and how to get others. Dropping it gives up what is being fetched.
pub struct Revocations {
    shared: Arc<Shared>,
    tasks: Mutex<JoinSet<()>>,
}

struct Shared {
    dir: Option<PathBuf>,
    store: Store,
    http: reqwest::Client,
    state: Mutex<State>,
}

struct State {
    kept: HashMap<String, Kept>,
    /// URLs that somebody sees to.
    claimed: HashSet<String>,
    /// Servers that failed last time, and until when they are left alone.
    resting: HashMap<String, Instant>,
    of_dir: Vec<Crl>,
    read_at: Instant,
}

struct Kept {
    list: Crl,
    /// For whom it was fetched.
    wanted: Wanted,
    /// Not fetched anew before.
    again_at: Timestamp,
}

/// The right to see to a URL, which one at a time has.
struct Claim {
    shared: Arc<Shared>,
    wanted: Wanted,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.shared.state().claimed.remove(&self.wanted.url);
    }
}

impl Revocations {
    /// With the lists that `dir` has now. Others are fetched when they are needed.
    pub fn new(dir: Option<PathBuf>, of_dir: Vec<Crl>, store: Store) -> Self {
        let http =
            reqwest::Client::builder().connect_timeout(CONNECT).timeout(PATIENCE).redirect(redirect::Policy::custom(redirect));
        // Whoever adds TLS brings its roots along: nothing in a client can fail to be made.
        let http = http.build().unwrap_or_default();
        let (kept, claimed, resting) = (HashMap::new(), HashSet::new(), HashMap::new());
        let state = Mutex::new(State { kept, claimed, resting, of_dir, read_at: Instant::now() });
        Self { shared: Arc::new(Shared { dir, store, http, state }), tasks: Mutex::default() }
    }

    /// What is at hand. `TRUST_DIR` is read again beside, now and then.
    pub fn known(&self) -> Crls {
        self.reread();
        let state = self.shared.state();
        let mut crls = Crls::default();
        for (url, kept) in &state.kept {
            crls.insert(url, Fetched::List(kept.list.clone()));
        }
        state.of_dir.iter().for_each(|list| crls.add(list.clone()));
        crls
    }

    fn reread(&self) {
        let Some(dir) = self.shared.dir.clone() else { return };
        let mut state = self.shared.state();
        if state.read_at.elapsed() <= REREAD {
            return;
        }
        state.read_at = Instant::now();
        drop(state);
        let shared = Arc::clone(&self.shared);
        self.tasks().spawn_blocking(move || match read_trust_dir(&dir) {
            Ok(trusted) => shared.state().of_dir = trusted.lists,
            Err(error) => tracing::warn!(%error, "TRUST_DIR"),
        });
    }

    /// Gets lists: another process's from the database at once, else from the network, beside. Whether there is a new one at hand.
    pub async fn get(&self, wanted: &[Wanted], now: Timestamp) -> bool {
        let claims: Vec<_> = wanted.iter().filter_map(|one| self.shared.claim(one)).collect();
        if claims.is_empty() {
            return false;
        }
        let urls: Vec<_> = claims.iter().map(|claim| claim.wanted.url.clone()).collect();
        let stored = self.shared.stored(&urls, now).await;
        let mut stored: HashMap<_, _> = stored.into_iter().map(|one| (one.url, one.list)).collect();
        let mut is_new = false;
        for claim in claims {
            match claim.take(stored.remove(&claim.wanted.url), now).await {
                true => is_new = true,
                false => drop(self.tasks().spawn(claim.fetch(now))),
            }
        }
        is_new
    }

    /// Whether one of these lists is being asked for by a server that did not fail last time: it may be here soon.
    pub fn is_under_way(&self, wanted: &[Wanted]) -> bool {
        let state = self.shared.state();
        wanted.iter().any(|one| state.claimed.contains(&one.url) && !state.resting.contains_key(&one.url))
    }

    /// Fetches anew, beside, what will end soon.
    pub fn renew(&self, now: Timestamp) {
        for (wanted, held) in self.shared.due(now) {
            if let Some(claim) = self.shared.claim(&wanted) {
                self.tasks().spawn(claim.renew(held, now));
            }
        }
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks
    }
}

impl Claim {
    /// Another process may have a newer list already.
    async fn renew(self, held: Crl, now: Timestamp) {
        let stored = self.shared.stored(std::slice::from_ref(&self.wanted.url), now).await;
        let newer = stored.into_iter().find(|one| one.next_update > held.next_update());
        if !self.take(newer.map(|one| one.list), now).await {
            self.fetch(now).await;
        }
    }

    /// Keeps what the database had, if it will do.
    async fn take(&self, stored: Option<Vec<u8>>, now: Timestamp) -> bool {
        let Some(bytes) = stored else { return false };
        let list = read(&self.wanted, bytes, now).await;
        list.map(|(list, _)| self.shared.keep(&self.wanted, list, now)).is_ok()
    }

    async fn fetch(self, now: Timestamp) {
        let url = &self.wanted.url;
        let list = match self.shared.download(url).await {
            Ok(body) => read(&self.wanted, body, now).await.map_err(str::to_owned),
            Err(error) => Err(error),
        };
        match list {
            Ok((list, body)) => {
                metrics::counter!("dialogpost_crl_fetched_total").increment(1);
                let stored = StoredCrl { url: url.clone(), list: body, fetched_at: now, next_update: list.next_update() };
                self.shared.keep(&self.wanted, list, now);
                self.shared.save(&stored).await;
            }
            Err(error) => self.shared.rest(url, &error),
        }
    }
}

impl Shared {
    /// What other processes have fetched; nothing while the database is away.
    async fn stored(&self, urls: &[String], now: Timestamp) -> Vec<StoredCrl> {
        match self.store.session().await {
            Ok(session) => crl::load(&session, urls, now).await.unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }

    /// `None` when somebody sees to it already, or its server is left alone.
    fn claim(self: &Arc<Self>, wanted: &Wanted) -> Option<Claim> {
        let mut state = self.state();
        let is_resting = state.resting.get(&wanted.url).is_some_and(|until| Instant::now() < *until);
        (!is_resting && state.claimed.insert(wanted.url.clone()))
            .then(|| Claim { shared: Arc::clone(self), wanted: wanted.clone() })
    }

    /// Lists that end soon, each named once in a while. Those that have ended are fetched when they are needed.
    fn due(&self, now: Timestamp) -> Vec<(Wanted, Crl)> {
        let mut due = Vec::new();
        for kept in self.state().kept.values_mut() {
            if kept.again_at <= now && ends_soon(&kept.list, now) {
                kept.again_at = again_at(&kept.list, now);
                due.push((kept.wanted.clone(), kept.list.clone()));
            }
        }
        due
    }

    fn keep(&self, wanted: &Wanted, list: Crl, now: Timestamp) {
        let again_at = again_at(&list, now);
        let mut state = self.state();
        state.resting.remove(&wanted.url);
        state.kept.insert(wanted.url.clone(), Kept { list, wanted: wanted.clone(), again_at });
    }

    fn rest(&self, url: &str, error: &str) {
        metrics::counter!("dialogpost_crl_failed_total").increment(1);
        tracing::warn!(url, error, "no revocation list from there; messages that need it wait");
        self.state().resting.insert(url.to_owned(), Instant::now() + PAUSE);
    }

    async fn save(&self, stored: &StoredCrl) {
        let saved = match self.store.session().await {
            Ok(session) => crl::save(&session, stored).await,
            Err(error) => Err(error),
        };
        if let Err(error) = saved {
            tracing::warn!(%error, url = stored.url, "a revocation list is not kept in the database");
        }
    }

    async fn download(&self, url: &str) -> Result<Vec<u8>, String> {
        let failed = |e: reqwest::Error| e.without_url().to_string();
        let mut response = self.http.get(url).send().await.and_then(reqwest::Response::error_for_status).map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() as u64 > LIMIT {
                return Err(format!("its list is larger than {LIMIT} bytes"));
            }
        }
        Ok(body)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The list, and its bytes again, if it says what is wanted.
async fn read(wanted: &Wanted, bytes: Vec<u8>, now: Timestamp) -> Result<(Crl, Vec<u8>), &'static str> {
    let wanted = wanted.clone();
    let reading = spawn_blocking(move || {
        let list = read_list(&bytes).ok_or("it sent no revocation list")?;
        match wanted.is_met_by(&list, now) {
            true => Ok((list, bytes)),
            false => Err("its list has ended, or says nothing of the certificate that names it"),
        }
    });
    reading.await.unwrap_or(Err("its list could not be read"))
}

/// Only plain HTTP, as in certificates.
fn redirect(attempt: redirect::Attempt<'_>) -> redirect::Action {
    match attempt.url().scheme() {
        _ if attempt.previous().len() > REDIRECTS => attempt.error("too many redirects"),
        "http" => attempt.follow(),
        _ => attempt.error("a redirect to other than http"),
    }
}

/// Life that is left; `None` when it has ended.
fn left(list: &Crl, now: Timestamp) -> Option<SignedDuration> {
    list.next_update().map(|end| end.duration_since(now)).filter(SignedDuration::is_positive)
}

fn ends_soon(list: &Crl, now: Timestamp) -> bool {
    let life = list.next_update().map(|end| end.duration_since(list.this_update())).unwrap_or_default();
    left(list, now).is_some_and(|left| left < (life / 4).max(AHEAD))
}

/// Its server may have no newer list for a while: what is left is used up in steps.
fn again_at(list: &Crl, now: Timestamp) -> Timestamp {
    let step = (left(list, now).unwrap_or_default() / 4).max(BETWEEN);
    now.checked_add(step).unwrap_or(Timestamp::MAX)
}
