//! Messages sealed and opened with our keys, and the certificates of others judged: what the workers at NHN's edge share.
//!
//! - [`keys`]: our private keys, from files
//! - [`revocation`]: revocation lists, from files and from where certificates say

pub mod keys;
pub mod revocation;

use crate::config::{Config, ConfigFault};
use crate::health::Component;
use bytes::Bytes;
use jiff::Timestamp;
use keys::{KeyTrouble, Keys};
use messages::Fault;
use revocation::Revocations;
use std::collections::HashMap;
use std::sync::Arc;
use store::Session;
use trust::{
    Certificate, CertificateErrors, Embedded, OpenFault, Opened, Policy, Pool, Role, TrustAnchors, Validation, Verdict,
    Zeroizing, open, report, seal, validate,
};

/// Everything that opening and sealing need. Cheap to clone.
#[derive(Clone)]
pub struct Protection {
    inner: Arc<Inner>,
}

struct Inner {
    keys: Keys,
    anchors: TrustAnchors,
    policy: Policy,
    revocations: Revocations,
    pool: Pool,
    without_agreement: Vec<String>,
}

/// A sealed message.
pub struct Sealed {
    /// Its bytes.
    pub body: Bytes,
    /// The names of the keys it may be encrypted for.
    pub own: Vec<String>,
    /// DER of the certificates it may be signed with.
    pub expected: Vec<Vec<u8>>,
    /// When it was first received: its certificates are judged as of then.
    pub received_at: Timestamp,
}

/// Why a sealed message stays closed.
#[derive(Clone, Debug)]
pub enum Unopened {
    /// The message is at fault.
    Message(OpenFault),
    /// Its signer's certificate is at fault.
    Certificate(CertificateErrors, Option<Certificate>),
    /// We are, or the world is: time or an operator heals it.
    Later(Fault),
}

/// A message to be sealed.
pub struct ToSeal {
    /// Its bytes.
    pub content: Bytes,
    /// The name of the key that signs it; empty = none was named.
    pub signer: String,
    /// DER of the receiver's certificates, best first.
    pub recipients: Vec<Vec<u8>>,
}

impl Protection {
    /// Reads the trust anchors; keys are read when they are needed, so that new ones need no restart.
    ///
    /// # Errors
    /// What is wrong with `TRUST_DIR`.
    pub fn from_config(config: &Config) -> Result<Self, ConfigFault> {
        let fault = |text| ConfigFault { variable: "TRUST_DIR", text };
        let trusted = match &config.trust_dir {
            Some(dir) => revocation::read_trust_dir(dir).map_err(fault)?,
            None => revocation::Trusted::default(),
        };
        let policy = Policy {
            triple_des: config.legacy_algorithms,
            sha1: config.legacy_algorithms,
            revocation: config.revocation,
            ..Policy::default()
        };
        let keys = Keys::new(config.keys_dir.clone(), config.keys_password.clone().map(Zeroizing::new));
        let revocations = Revocations::new(config.trust_dir.clone());
        let inner = Inner {
            keys,
            anchors: trusted.anchors,
            policy,
            revocations,
            pool: Pool::default(),
            without_agreement: config.without_agreement.clone(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Message functions that go by the party's own certificates, whatever was agreed.
    pub fn without_agreement(&self) -> &[String] {
        &self.inner.without_agreement
    }

    /// Opens messages, in order, and judges who signed them.
    ///
    /// # Errors
    /// The database, where revocation lists are kept.
    pub async fn open(&self, session: &Session, sealed: Vec<Sealed>, now: Timestamp) -> Vec<Result<Opened, Unopened>> {
        let received: Vec<Timestamp> = sealed.iter().map(|s| s.received_at).collect();
        let jobs = sealed.into_iter().map(|one| {
            let inner = Arc::clone(&self.inner);
            move || inner.open_one(&one)
        });
        let opened = self.inner.pool.run_all(jobs.collect()).await;
        let mut judged = Judged::default();
        let mut results = Vec::with_capacity(opened.len());
        for (one, at) in opened.into_iter().zip(received) {
            results.push(match one {
                Ok(Ok(opened)) => self.judge(session, &mut judged, opened, at, now).await,
                Ok(Err(unopened)) => Err(unopened),
                Err(job) => Err(Unopened::Later(Fault::transient("opening-interrupted", job.to_string()))),
            });
        }
        results
    }

    async fn judge(
        &self,
        session: &Session,
        judged: &mut Judged,
        opened: Opened,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<Opened, Unopened> {
        let errors = match judged.of(&opened) {
            Some(errors) => errors,
            None => {
                let embedded = opened.embedded.certificates();
                let errors = self.validate(session, &opened.signer, Role::Signing, &embedded, at, now).await.errors;
                judged.0.push((opened.signer.clone(), opened.embedded.clone(), errors));
                errors
            }
        };
        match report(errors, None) {
            Verdict::Valid => Ok(opened),
            Verdict::TryLater => Err(Unopened::Later(offline())),
            Verdict::Refused(_) => Err(Unopened::Certificate(errors, Some(opened.signer))),
        }
    }

    /// Judges a certificate as of `at`, fetching revocation lists that are missing.
    pub async fn validate(
        &self,
        session: &Session,
        certificate: &Certificate,
        role: Role,
        embedded: &[Certificate],
        at: Timestamp,
        now: Timestamp,
    ) -> Validation {
        let Inner { anchors, policy, revocations, .. } = self.inner.as_ref();
        let found = validate(certificate, role, at, anchors, embedded, &revocations.known(), policy);
        if found.fetch.is_empty() {
            return found;
        }
        revocations.fetch(session, &found.fetch, now).await;
        validate(certificate, role, at, anchors, embedded, &revocations.known(), policy)
    }

    /// Signs and encrypts messages, in order, each for the first of its receiver's certificates that may be relied on now.
    pub async fn seal(&self, session: &Session, messages: Vec<ToSeal>, now: Timestamp) -> Vec<Result<Vec<u8>, Fault>> {
        let mut chosen: HashMap<Vec<Vec<u8>>, Result<Certificate, Fault>> = HashMap::new();
        let mut jobs = Vec::with_capacity(messages.len());
        for message in messages {
            let recipient = match chosen.get(&message.recipients) {
                Some(recipient) => recipient.clone(),
                None => {
                    let recipient = self.recipient(session, &message.recipients, now).await;
                    chosen.insert(message.recipients.clone(), recipient.clone());
                    recipient
                }
            };
            let inner = Arc::clone(&self.inner);
            jobs.push(move || inner.seal_one(&message, &recipient?, now));
        }
        let sealed = self.inner.pool.run_all(jobs).await;
        sealed
            .into_iter()
            .map(|one| one.unwrap_or_else(|job| Err(Fault::transient("sealing-interrupted", job.to_string()))))
            .collect()
    }

    async fn recipient(&self, session: &Session, candidates: &[Vec<u8>], now: Timestamp) -> Result<Certificate, Fault> {
        let missing = || {
            Fault::broken(
                "recipient-certificate-missing",
                "no encryption certificate of the receiver is known: import its agreement or apply its certificate",
            )
        };
        let mut first = Err(missing());
        for der in candidates {
            let Ok(certificate) = Certificate::from_der(der) else { continue };
            let found = self.validate(session, &certificate, Role::Encryption, &[], now, now).await;
            match report(found.errors, None) {
                Verdict::Valid => return Ok(certificate),
                Verdict::TryLater => first = Err(offline()),
                Verdict::Refused(refused) if first.as_ref().is_err_and(|f| f.code == "recipient-certificate-missing") => {
                    let names: Vec<_> = found.errors.names().collect();
                    let text = format!("{} ({}), thumbprint {}", refused.description, names.join(", "), certificate.thumbprint());
                    first = Err(Fault::broken("recipient-certificate-refused", text));
                }
                Verdict::Refused(_) => {}
            }
        }
        first
    }

    /// Shows in `/readyz` whether these keys can be read.
    pub fn watch_keys(&self, names: &[String], health: &Component) {
        match names.iter().find_map(|name| self.inner.keys.trouble(name)) {
            None => health.ok(),
            Some(trouble) => health.failing(trouble.to_string()),
        }
    }
}

/// What was found of signers of one batch: most come from one sender.
#[derive(Default)]
struct Judged(Vec<(Certificate, Embedded, CertificateErrors)>);

impl Judged {
    fn of(&self, opened: &Opened) -> Option<CertificateErrors> {
        let same = |(signer, embedded, _): &&(Certificate, Embedded, _)| *signer == opened.signer && *embedded == opened.embedded;
        self.0.iter().find(same).map(|(_, _, errors)| *errors)
    }
}

fn offline() -> Fault {
    Fault::transient("revocation-offline", "whether a certificate is revoked cannot be found out now")
}

impl Inner {
    fn open_one(&self, sealed: &Sealed) -> Result<Opened, Unopened> {
        let expected: Vec<_> = sealed.expected.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
        if expected.is_empty() {
            return Err(Unopened::Certificate(CertificateErrors::MISSING, None));
        }
        let (keys, troubles) = self.keys.decryption(&sealed.own);
        open(&sealed.body, &keys, &expected, &self.policy).map_err(|fault| match (&fault, troubles.into_iter().next()) {
            // Perhaps it is for the key that we could not read.
            (OpenFault::RecipientUnknown { .. }, Some(trouble)) => Unopened::Later(trouble.fault()),
            _ => Unopened::Message(fault),
        })
    }

    fn seal_one(&self, message: &ToSeal, recipient: &Certificate, now: Timestamp) -> Result<Vec<u8>, Fault> {
        if message.signer.is_empty() {
            return Err(Fault::broken("own-key-not-named", "the clinic's set-up names no signing key"));
        }
        let signer = self.keys.signing(&message.signer).map_err(|trouble| trouble.fault())?;
        let own = signer.certificate();
        if !own.usages().signing || now < own.not_before() || now > own.not_after() {
            let text = format!("key {}: its certificate may not sign now (usage or validity)", message.signer);
            return Err(Fault::broken("own-certificate-refused", text));
        }
        seal(&message.content, &signer, recipient).map_err(|fault| Fault::broken(fault.code(), fault.to_string()))
    }
}

impl KeyTrouble {
    fn fault(&self) -> Fault {
        Fault::transient("own-key-unavailable", self.to_string())
    }
}
