//! Revocation lists: from `TRUST_DIR`, from the database, and from where certificates say they are.
//!
//! A list is kept until its own end. A server that does not answer is asked again after a while; until then whoever needs its list waits.

use jiff::Timestamp;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store::Session;
use store::crl::{self, StoredCrl};
use trust::{Certificate, Crl, Crls, Fetched, TrustAnchors};

/// How long a server has for a list.
const PATIENCE: Duration = Duration::from_secs(5);
/// A server that failed is left alone so long.
const PAUSE: Duration = Duration::from_secs(20);
/// Largest list, in bytes.
const LIMIT: u64 = 32 * 1024 * 1024;
/// `TRUST_DIR` is read again so often.
const REREAD: Duration = Duration::from_secs(60);

/// What `TRUST_DIR` holds.
#[derive(Clone, Debug, Default)]
pub struct Trusted {
    /// Certificates of authorities, from `*.pem` and `*.crt`.
    pub anchors: TrustAnchors,
    /// Lists, from `*.crl`.
    pub lists: Vec<Crl>,
}

/// Reads a directory of authorities' certificates and revocation lists.
///
/// # Errors
/// The first file that is not what its name says.
pub fn read_trust_dir(dir: &Path) -> Result<Trusted, String> {
    let mut trusted = Trusted::default();
    let entries = std::fs::read_dir(dir).map_err(|e| format!("{} cannot be read ({})", dir.display(), e.kind()))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if !["pem", "crt", "crl"].contains(&extension) {
            continue;
        }
        let wrong = |what: String| format!("{}: {what}", path.display());
        let bytes = std::fs::read(&path).map_err(|e| wrong(e.kind().to_string()))?;
        if extension == "crl" {
            trusted.lists.push(read_list(&bytes).ok_or_else(|| wrong("no revocation list".to_owned()))?);
            continue;
        }
        for certificate in Certificate::all_from_pem(&bytes).map_err(|e| wrong(e.to_string()))? {
            match certificate.is_self_issued() {
                true => trusted.anchors.roots.push(certificate),
                false => trusted.anchors.intermediates.push(certificate),
            }
        }
    }
    Ok(trusted)
}

/// The lists at hand, and how to get others.
pub struct Revocations {
    dir: Option<PathBuf>,
    http: reqwest::Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fetched: HashMap<String, Crl>,
    /// Servers that failed, and until when they are left alone.
    resting: HashMap<String, Instant>,
    of_dir: Vec<Crl>,
    read_at: Option<Instant>,
}

impl Revocations {
    /// Nothing is fetched before it is needed.
    pub fn new(dir: Option<PathBuf>) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build();
        // Without TLS and cookies nothing in a client can fail to be made.
        Self { dir, http: http.unwrap_or_default(), state: Mutex::default() }
    }

    /// What is at hand.
    pub fn known(&self) -> Crls {
        let mut state = self.state();
        if let Some(dir) = &self.dir
            && state.read_at.is_none_or(|at| at.elapsed() > REREAD)
        {
            state.read_at = Some(Instant::now());
            match read_trust_dir(dir) {
                Ok(trusted) => state.of_dir = trusted.lists,
                Err(error) => tracing::warn!(%error, "TRUST_DIR"),
            }
        }
        let mut crls = Crls::default();
        for (url, list) in &state.fetched {
            crls.insert(url, Fetched::List(list.clone()));
        }
        state.of_dir.iter().for_each(|list| crls.add(list.clone()));
        crls
    }

    /// Gets lists: another process's from the database, else from the network. What cannot be had is tried again later.
    pub async fn fetch(&self, session: &Session, urls: &[String], now: Timestamp) {
        for stored in crl::load(session, urls).await.unwrap_or_default() {
            if let Some(list) = read_list(&stored.list).filter(|list| is_current(list, now)) {
                self.keep(&stored.url, list);
            }
        }
        let asked: Vec<_> = urls.iter().filter(|url| self.wants(url, now)).collect();
        let answers = futures_util::future::join_all(asked.iter().map(|url| self.get(url))).await;
        for (url, answer) in asked.into_iter().zip(answers) {
            match answer {
                Ok(body) => self.take(session, url, body, now).await,
                Err(error) => self.rest(url, &error),
            }
        }
    }

    async fn take(&self, session: &Session, url: &str, body: Vec<u8>, now: Timestamp) {
        let Some(list) = read_list(&body) else {
            return self.rest(url, "it sent no revocation list");
        };
        if !is_current(&list, now) {
            return self.rest(url, "its list has ended");
        }
        let stored = StoredCrl { url: url.to_owned(), list: body, fetched_at: now, next_update: list.next_update() };
        if let Err(error) = crl::save(session, &stored).await {
            tracing::warn!(%error, url, "a revocation list is not kept");
        }
        metrics::counter!("dialogpost_crl_fetched_total").increment(1);
        self.keep(url, list);
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
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

    fn wants(&self, url: &str, now: Timestamp) -> bool {
        let state = self.state();
        let has = state.fetched.get(url).is_some_and(|list| is_current(list, now));
        !has && state.resting.get(url).is_none_or(|until| *until <= Instant::now())
    }

    fn keep(&self, url: &str, list: Crl) {
        let mut state = self.state();
        state.resting.remove(url);
        state.fetched.insert(url.to_owned(), list);
    }

    fn rest(&self, url: &str, error: &str) {
        metrics::counter!("dialogpost_crl_failed_total").increment(1);
        tracing::warn!(url, error, "no revocation list from there; messages that need it wait");
        self.state().resting.insert(url.to_owned(), Instant::now() + PAUSE);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_list(bytes: &[u8]) -> Option<Crl> {
    Crl::from_der(bytes).or_else(|_| Crl::from_pem(bytes)).ok()
}

fn is_current(list: &Crl, now: Timestamp) -> bool {
    list.next_update().is_some_and(|end| now < end)
}
