//! Trust: what a message's protection says about who wrote it, and who may read ours.
//!
//! - [`open`], [`seal`]: CMS, signed then encrypted, as HelseNorge exchanges it (RFC 5652)
//! - [`Certificate`], [`validate`], [`Crls`]: may a certificate be relied on, now (RFC 5280)
//! - [`SigningKey`], [`DecryptionKey`], [`KeyRing`]: our own
//! - [`Pool`]: where such work runs, since it takes the better part of a millisecond
//!
//! Everything but the pool is pure and synchronous; time and revocation lists are handed in. OpenSSL does the cryptography;
//! which algorithms it may do is decided here, from what the message names, before it does any.

mod algorithms;
mod ber;
mod certificate;
mod chain;
mod crl;
mod envelope;
mod fault;
mod keys;
mod name;
mod open;
mod parts;
mod policy;
mod pool;
mod report;
mod seal;
mod signed;
mod validate;

pub use certificate::{Certificate, Usages};
pub use crl::{Crl, Crls, Fetched};
pub use fault::{CertificateFault, KeyFault, OpenFault, SealFault, Unverified};
pub use keys::{DecryptionKey, KeyRing, SigningKey};
pub use open::{Opened, open};
pub use policy::{Legacy, Limits, Policy, Revocation, Warning};
pub use pool::{JobFault, Pool};
pub use report::{CertificateErrors, ErrorReport, Verdict, report};
pub use seal::{encrypt, seal, sign};
pub use signed::Embedded;
pub use validate::{Role, TrustAnchors, Validation, Wanted, validate};
pub use zeroize::Zeroizing;
