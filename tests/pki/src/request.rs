//! What is asked of an authority.

use jiff::{SignedDuration, Timestamp};
use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509Name, X509NameBuilder};

/// Who a certificate is for, in the manner of Norwegian enterprise certificates.
#[derive(Clone, Debug)]
pub struct Subject {
    /// O.
    pub organisation: String,
    /// serialNumber: nine digits, as in Enhetsregisteret.
    pub organisation_number: String,
    /// CN.
    pub common_name: String,
}

impl Subject {
    /// An organisation under its own name.
    pub fn of(organisation: &str, organisation_number: &str) -> Self {
        Self {
            organisation: organisation.to_owned(),
            organisation_number: organisation_number.to_owned(),
            common_name: organisation.to_owned(),
        }
    }

    pub(crate) fn name(&self) -> Result<X509Name, ErrorStack> {
        let mut name = X509NameBuilder::new()?;
        name.append_entry_by_nid(Nid::COUNTRYNAME, "NO")?;
        name.append_entry_by_nid(Nid::ORGANIZATIONNAME, &self.organisation)?;
        name.append_entry_by_nid(Nid::SERIALNUMBER, &self.organisation_number)?;
        name.append_entry_by_nid(Nid::COMMONNAME, &self.common_name)?;
        Ok(name.build())
    }
}

/// A bit of the key usage extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Logging in.
    DigitalSignature,
    /// Signing messages (contentCommitment).
    NonRepudiation,
    /// Receiving encrypted messages.
    KeyEncipherment,
}

/// From and until when a certificate is valid.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// notBefore.
    pub from: Timestamp,
    /// notAfter.
    pub until: Timestamp,
}

impl Period {
    /// From so many days after `now` (negative: before) until so many.
    pub fn days(now: Timestamp, from: i64, until: i64) -> Self {
        let day = |n: i64| now + SignedDuration::from_hours(24 * n);
        Self { from: day(from), until: day(until) }
    }
}

/// A certificate to be issued.
#[derive(Clone)]
pub struct Request {
    /// Whose.
    pub subject: Subject,
    /// The key it is for.
    pub key: PKey<Private>,
    /// Its key usage bits; with none there is no such extension.
    pub usages: Vec<Usage>,
    /// From and until when.
    pub period: Period,
    /// Its serial number.
    pub serial: u64,
    /// Where its issuer's revocation list is said to be; with none there is no such extension.
    pub crl_urls: Vec<String>,
    /// Names of the servers it is for; with none there is no such extension.
    pub hosts: Vec<String>,
}

pub(crate) fn asn1_time(time: Timestamp) -> Result<Asn1Time, ErrorStack> {
    Asn1Time::from_unix(time.as_second())
}
