//! Messages sealed and opened with our keys, and the certificates of others judged: what the workers at NHN's edge share.
//!
//! - [`keys`]: our private keys, from files
//! - [`trust_dir`]: whom we trust, from files
//! - [`revocation`]: revocation lists, from files and from where certificates say

pub mod keys;
pub mod revocation;
pub mod trust_dir;

use crate::config::{Config, ConfigFault};
use bytes::Bytes;
use jiff::Timestamp;
use keys::{KeyTrouble, Keys};
use messages::Fault;
use revocation::Revocations;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use store::Store;
use store::clinic::KeyNames;
use trust::{
    Certificate, CertificateErrors, Embedded, JobFault, OpenFault, Opened, Policy, Pool, Revocation, Role, TrustAnchors,
    Validation, Verdict, open, report, seal, validate,
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
    /// We are, or the world is: time or an operator heals it; broken, when opening it brought us down.
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

/// A certificate to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToJudge {
    /// It.
    pub certificate: Certificate,
    /// What it is wanted for.
    pub role: Role,
    /// Certificates that came with it.
    pub embedded: Embedded,
    /// As of when.
    pub at: Timestamp,
}

impl Protection {
    /// Reads the trust anchors; keys are read when they are needed, so that new ones need no restart. Revocation lists
    /// that were fetched are shared with other processes by way of `store`.
    ///
    /// # Errors
    /// What is wrong with `TRUST_DIR`.
    pub fn from_config(config: &Config, store: &Store) -> Result<Self, ConfigFault> {
        let fault = |text| ConfigFault { variable: "TRUST_DIR", text };
        let trusted = match &config.trust_dir {
            Some(dir) => trust_dir::read_trust_dir(dir).map_err(fault)?,
            None => trust_dir::Trusted::default(),
        };
        let policy = Policy {
            triple_des: config.legacy_algorithms,
            sha1: config.legacy_algorithms,
            revocation: config.revocation,
            ..Policy::default()
        };
        let keys = Keys::new(config.keys_dir.clone(), config.keys_password.clone());
        let revocations = Revocations::new(config.trust_dir.clone(), trusted.lists, store.clone());
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

    /// When the certificates of these keys end: of the one that signs, and of the present one that decrypts, for earlier ones are kept for what
    /// was sealed to them. What cannot be read is left out.
    pub fn ends(&self, names: &KeyNames) -> Vec<(&'static str, Timestamp)> {
        let keys = &self.inner.keys;
        let signing = names.signing.as_deref().and_then(|name| keys.signing(name).ok()).map(|key| key.certificate().not_after());
        let present = names.decryption.first().and_then(|name| keys.decryption_key(name).ok());
        let encryption = present.map(|key| key.certificate().not_after());
        let both = [("signing", signing), ("encryption", encryption)];
        both.into_iter().filter_map(|(purpose, end)| Some((purpose, end?))).collect()
    }

    /// Whether any root is trusted: without one, no certificate is.
    pub fn has_anchors(&self) -> bool {
        !self.inner.anchors.roots.is_empty()
    }

    /// Opens messages, in order, judges who signed them, and has `read` make of the content what the caller wants of it: that takes the
    /// processor too. Waits for no server of revocation lists: whose list is missing is to be opened later. When the database does not
    /// answer, its lists are missing.
    pub async fn open<T: Send + 'static>(
        &self,
        sealed: Vec<Sealed>,
        now: Timestamp,
        read: impl Fn(&[u8]) -> T + Clone + Send + 'static,
    ) -> Vec<Result<(Opened, T), Unopened>> {
        let received: Vec<Timestamp> = sealed.iter().map(|s| s.received_at).collect();
        let mut expected = Expected::default();
        let jobs = sealed.into_iter().map(|one| {
            let (inner, read, expected) = (Arc::clone(&self.inner), read.clone(), expected.of(&one));
            move || inner.open_one(&one, &expected).map(|opened| (read(&opened.content), opened))
        });
        let opened = self.inner.pool.run_all(jobs.collect()).await;
        // Most of a batch come from one signer.
        let mut judged = Vec::new();
        let mut results = Vec::with_capacity(opened.len());
        for (one, at) in opened.into_iter().zip(received) {
            results.push(match one {
                Ok(Ok((read, opened))) => self.judge(&mut judged, opened, at, now).await.map(|opened| (opened, read)),
                Ok(Err(unopened)) => Err(unopened),
                Err(job) => Err(Unopened::Later(interrupted(job, "opening-interrupted"))),
            });
        }
        results
    }

    async fn judge(
        &self,
        judged: &mut Vec<(ToJudge, CertificateErrors)>,
        opened: Opened,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<Opened, Unopened> {
        // Certificates and lists tell time in whole seconds, and so a batch has few different times.
        let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
        let question = ToJudge { certificate: opened.signer.clone(), role: Role::Signing, embedded: opened.embedded.clone(), at };
        let errors = match judged.iter().find(|(asked, _)| *asked == question) {
            Some((_, errors)) => *errors,
            None => {
                let errors = self.validate(&question, now).await.map_err(Unopened::Later)?.errors;
                judged.push((question, errors));
                errors
            }
        };
        match report(errors, None) {
            Verdict::Valid => Ok(opened),
            Verdict::TryLater => Err(Unopened::Later(offline())),
            Verdict::Refused(_) => Err(Unopened::Certificate(errors, Some(opened.signer))),
        }
    }

    /// Judges a certificate by the revocation lists at hand. Those that are missing, or will end soon, are fetched beside: ask again.
    ///
    /// # Errors
    /// Judging was interrupted (transient) or brought us down (broken).
    pub async fn validate(&self, question: &ToJudge, now: Timestamp) -> Result<Validation, Fault> {
        let revocations = &self.inner.revocations;
        let mut found = self.look(question).await?;
        revocations.renew(now);
        if !found.fetch.is_empty() && revocations.get(&found.fetch, now).await {
            found = self.look(question).await?;
        }
        // Who lets pass what nobody says anything of has asked at least once.
        if self.inner.policy.revocation == Revocation::SoftFail && revocations.is_under_way(&found.fetch) {
            found.errors |= CertificateErrors::REVOKED_OFFLINE;
        }
        Ok(found)
    }

    async fn look(&self, question: &ToJudge) -> Result<Validation, Fault> {
        let (inner, question) = (Arc::clone(&self.inner), question.clone());
        let looking = self.inner.pool.run(move || {
            let ToJudge { certificate, role, embedded, at } = question;
            let lists = inner.revocations.known();
            validate(&certificate, role, at, &inner.anchors, &embedded.certificates(), &lists, &inner.policy)
        });
        looking.await.map_err(|job| interrupted(job, "judging-interrupted"))
    }

    /// Signs and encrypts messages, in order, each for the first of its receiver's certificates that may be relied on now.
    pub async fn seal(&self, messages: Vec<ToSeal>, now: Timestamp) -> Vec<Result<Vec<u8>, Fault>> {
        let mut chosen: HashMap<Vec<Vec<u8>>, Result<Certificate, Fault>> = HashMap::new();
        let mut jobs = Vec::with_capacity(messages.len());
        for message in messages {
            let recipient = match chosen.get(&message.recipients) {
                Some(recipient) => recipient.clone(),
                None => {
                    let recipient = self.recipient(&message.recipients, now).await;
                    chosen.insert(message.recipients.clone(), recipient.clone());
                    recipient
                }
            };
            let inner = Arc::clone(&self.inner);
            jobs.push(move || inner.seal_one(message, &recipient?, now));
        }
        let sealed = self.inner.pool.run_all(jobs).await;
        sealed.into_iter().map(|one| one.unwrap_or_else(|job| Err(interrupted(job, "sealing-interrupted")))).collect()
    }

    async fn recipient(&self, candidates: &[Vec<u8>], now: Timestamp) -> Result<Certificate, Fault> {
        let mut first = Fault::broken(
            "recipient-certificate-missing",
            "no encryption certificate of the receiver is known: import its agreement or apply its certificate",
        );
        for der in candidates {
            let Ok(certificate) = Certificate::from_der(der) else { continue };
            let question = ToJudge { certificate, role: Role::Encryption, embedded: Embedded::default(), at: now };
            let found = self.validate(&question, now).await?;
            let certificate = question.certificate;
            match report(found.errors, None) {
                Verdict::Valid => return Ok(certificate),
                // The next would be of a source that is trusted less.
                Verdict::TryLater => return Err(offline()),
                Verdict::Refused(refused) if first.code == "recipient-certificate-missing" => {
                    let names: Vec<_> = found.errors.names().collect();
                    let mut text =
                        format!("{} ({}), thumbprint {}", refused.description, names.join(", "), certificate.thumbprint());
                    if found.errors.intersects(CertificateErrors::REVOKED_UNKNOWN) {
                        text.push_str(
                            ": it says nowhere where its authority's revocation list is; put the list below TRUST_DIR as *.crl",
                        );
                    }
                    if found.errors.intersects(CertificateErrors::UNTRUSTED) {
                        text.push_str(": put its authorities' certificates below TRUST_DIR");
                    }
                    first = Fault::broken("recipient-certificate-refused", text);
                }
                Verdict::Refused(_) => {}
            }
        }
        Err(first)
    }
}

/// A message whose work panics would do so again.
fn interrupted(job: JobFault, code: &'static str) -> Fault {
    match job {
        JobFault::Panicked => Fault::broken("panic", job.to_string()),
        JobFault::Stopped => Fault::transient(code, job.to_string()),
    }
}

fn offline() -> Fault {
    Fault::transient("revocation-offline", "whether a certificate is revoked cannot be found out now")
}

impl Inner {
    fn open_one(&self, sealed: &Sealed, read: &[Arc<ReadOnce>]) -> Result<Opened, Unopened> {
        let certificate = |(der, once): (&Vec<u8>, &Arc<ReadOnce>)| once.get_or_init(|| Certificate::from_der(der).ok()).clone();
        let expected: Vec<_> = sealed.expected.iter().zip(read).filter_map(certificate).collect();
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

    fn seal_one(&self, message: ToSeal, recipient: &Certificate, now: Timestamp) -> Result<Vec<u8>, Fault> {
        if message.signer.is_empty() {
            return Err(own_key("the clinic's set-up names no signing key".to_owned()));
        }
        let signer = self.keys.signing(&message.signer).map_err(|trouble| trouble.fault())?;
        let own = signer.certificate();
        if !own.usages().signing {
            let text = format!("key {}: its certificate is not one to sign with", message.signer);
            return Err(Fault::broken("own-certificate-refused", text));
        }
        if now < own.not_before() || now > own.not_after() {
            return Err(own_key(format!("key {}: its certificate is not valid now", message.signer)));
        }
        seal(message.content.into(), &signer, recipient).map_err(|fault| Fault::broken(fault.code(), fault.to_string()))
    }
}

/// The certificates a batch may be signed with, each read once: that takes a tenth of opening a message.
#[derive(Default)]
struct Expected(HashMap<Vec<u8>, Arc<ReadOnce>>);

/// A certificate, read by the first that needs it; nothing when it is unreadable.
type ReadOnce = OnceLock<Option<Certificate>>;

impl Expected {
    /// In the order of those a message may be signed with.
    fn of(&mut self, sealed: &Sealed) -> Vec<Arc<ReadOnce>> {
        sealed.expected.iter().map(|der| Arc::clone(self.0.entry(der.clone()).or_default())).collect()
    }
}

impl KeyTrouble {
    fn fault(&self) -> Fault {
        own_key(self.to_string())
    }
}

/// Ours to mend: until then what needs the key waits.
fn own_key(why: String) -> Fault {
    Fault::transient("own-key-unavailable", why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use messages::FaultClass;

    #[tokio::test]
    async fn work_that_panics_is_not_tried_again() {
        let job: Result<(), _> = Pool::default().run(|| panic!("as told")).await;
        let fault = interrupted(job.unwrap_err(), "opening-interrupted");
        assert_eq!((fault.class, fault.code), (FaultClass::Broken, "panic"));
        let fault = interrupted(JobFault::Stopped, "opening-interrupted");
        assert_eq!((fault.class, fault.code), (FaultClass::Transient, "opening-interrupted"));
    }
}
