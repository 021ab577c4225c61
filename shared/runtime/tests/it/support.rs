//! Authorities, whose lists a server has, and a process that trusts them.

use crate::server::{Answer, Server};
use jiff::Timestamp;
use pki::{CrlRequest, Identity, Period, Pki, Subject, Usage};
use runtime::Config;
use runtime::protection::{Protection, ToJudge};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use store::{Store, StoreConfig};
use testbed::World;
use trust::{Certificate, CertificateErrors, Embedded, Role};

pub struct Scene {
    pub server: Server,
    pub pki: Pki,
    pub store: Store,
    pub dir: PathBuf,
    world: World,
}

pub fn now() -> Timestamp {
    "2026-07-02T12:00:00Z".parse().unwrap()
}

pub fn certificate(identity: &Identity) -> Certificate {
    Certificate::from_der(&identity.der()).unwrap()
}

impl Scene {
    /// The server has both lists, at `/issuing.crl` and `/root.crl`.
    pub async fn new() -> Self {
        let (server, world) = (Server::start().await, testbed::world().await);
        let pki = Pki::new(now(), &server.base, 2048);
        server.put("/issuing.crl", Answer::List(pki.crl()));
        server.put("/root.crl", Answer::List(pki.root_crl()));
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("dialogpost-runtime-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("root.pem"), pki.root.identity().pem()).unwrap();
        std::fs::write(dir.join("intermediate.crt"), pki.intermediate.identity().der()).unwrap();
        let url = world.database_url.clone();
        let store = Store::new(&StoreConfig { url, application: "test".into(), connections: 8, authorities: vec![] }).unwrap();
        Self { server, pki, store, dir, world }
    }

    /// A process on this database.
    pub fn process(&self, revocation: &str) -> Protection {
        let dir = self.dir.to_str().unwrap();
        let variables = [
            ("DATABASE_URL", self.world.database_url.as_str()),
            ("AMQP_URL", self.world.amqp_url.as_str()),
            ("NHN_EXCHANGE", "NHNTESTServiceBus"),
            ("TRUST_DIR", dir),
            ("KEYS_DIR", dir),
            ("REVOCATION", revocation),
        ];
        let of = |name: &str| variables.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned());
        Protection::from_config(&Config::read(&of).unwrap(), &self.store).unwrap()
    }

    /// Somebody's certificate, whose list is said to be at `path`.
    pub fn issued(&self, usage: Usage, serial: u64, path: &str) -> Identity {
        let mut request = self.pki.request(Subject::of("Ymse AS", "912345678"), "somebody", &[usage], serial);
        request.crl_urls = vec![format!("{}{path}", self.server.base)];
        self.pki.intermediate.issue(request)
    }

    pub fn signer(&self) -> Identity {
        self.issued(Usage::NonRepudiation, 0x71, "/issuing.crl")
    }

    pub async fn errors(&self, process: &Protection, signer: &Identity, now: Timestamp) -> CertificateErrors {
        let (role, embedded) = (Role::Signing, Embedded::default());
        let question = ToJudge { certificate: certificate(signer), role, embedded, at: now };
        process.validate(&question, now).await.unwrap().errors
    }

    /// Waits until the verdict is this.
    pub async fn until(&self, process: &Protection, signer: &Identity, now: Timestamp, want: CertificateErrors) {
        eventually(async || self.errors(process, signer, now).await == want).await;
    }

    /// How many lists from there the database has that have not ended by `at`.
    pub async fn stored(&self, path: &str, at: Timestamp) -> usize {
        let session = self.store.session().await.unwrap();
        store::crl::load(&session, &[format!("{}{path}", self.server.base)], at).await.unwrap().len()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Longer than a server that failed is left alone.
pub async fn eventually(is: impl AsyncFn() -> bool) {
    for _ in 0..1500 {
        if is().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not within 30 s");
}

/// A list without entries, made and ending so many days from now.
pub fn list(authority: &pki::Authority, from: i64, until: i64) -> Vec<u8> {
    let Period { from, until } = Period::days(now(), from, until);
    authority.crl(&CrlRequest { this_update: from, next_update: until, revoked: Vec::new(), extensions: Vec::new() })
}
