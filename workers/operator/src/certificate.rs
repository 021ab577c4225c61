//! What is known of a certificate: read out of its DER, and out of the forms in which a set-up file gives it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::agreement::{KnownCertificate, Use};
use domain::setup::{Setup, SetupFault};
use serde_json::Value;
use std::io::Read;
use std::path::Path;
use trust::{Certificate, CertificateFault};

/// Bytes that a certificate's file may have.
const LIMIT: u64 = 64 * 1024;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
const NO_CERTIFICATE: &str = "this is no X.509 certificate";
const EXPECTED: &str = "expected a certificate: PEM, base64 of DER, {\"file\": \"path\"}, or null";

/// What is known of a certificate. Without a key usage it may be used for nothing.
///
/// # Errors
/// What is wrong, for people; never the certificate.
pub fn known(der: &[u8]) -> Result<KnownCertificate, String> {
    let certificate = Certificate::from_der(der).map_err(|fault| match fault {
        CertificateFault::Malformed => NO_CERTIFICATE.to_owned(),
        CertificateFault::Validity => "its validity cannot be read".to_owned(),
    })?;
    // Something follows it.
    if certificate.der() != der {
        return Err(NO_CERTIFICATE.to_owned());
    }
    let usages = certificate.usages();
    Ok(KnownCertificate {
        der: der.to_vec(),
        signing: usages.signing,
        encryption: usages.encryption,
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        subject: certificate.subject(),
        thumbprint: certificate.thumbprint(),
    })
}

/// Reads the certificates of the file's parties; paths in it are relative to `folder`. Gives every fault.
pub fn read_all(setup: &mut Setup, folder: &Path) -> Vec<SetupFault> {
    let mut faults = Vec::new();
    for (n, party) in setup.parties.iter_mut().enumerate() {
        let slots = [
            ("signing_certificate", &party.signing_certificate, Use::Signing),
            ("encryption_certificate", &party.encryption_certificate, Use::Encryption),
        ];
        let mut found: Vec<KnownCertificate> = Vec::new();
        for (name, value, purpose) in slots {
            match setting(value, folder).and_then(|known| known.map(|known| fit(known, purpose)).transpose()) {
                // One certificate may have both uses.
                Ok(known) => found.extend(known.filter(|k| !found.contains(k))),
                Err(text) => faults.push(SetupFault { field: format!("parties[{n}].{name}"), text }),
            }
        }
        party.certificates = found;
    }
    faults
}

fn fit(known: KnownCertificate, purpose: Use) -> Result<KnownCertificate, String> {
    match (known.is_for(purpose), purpose) {
        (true, _) => Ok(known),
        (false, Use::Signing) => Err("this certificate is not for signing: its key usage lacks nonRepudiation".to_owned()),
        (false, Use::Encryption) => Err("this certificate is not for encryption: its key usage lacks keyEncipherment".to_owned()),
    }
}

fn setting(value: &Value, folder: &Path) -> Result<Option<KnownCertificate>, String> {
    let der = match value {
        Value::Null => return Ok(None),
        Value::String(text) => from_text(text)?,
        Value::Object(keys) => match (keys.get("file"), keys.len()) {
            (Some(Value::String(path)), 1) => from_file(&folder.join(path))?,
            _ => return Err(EXPECTED.to_owned()),
        },
        _ => return Err(EXPECTED.to_owned()),
    };
    known(&der).map(Some)
}

fn from_file(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes));
    read.map_err(|error| format!("the file cannot be read: {error}"))?;
    if bytes.len() as u64 > LIMIT {
        return Err(format!("the file is larger than {} KiB", LIMIT >> 10));
    }
    // A SEQUENCE of more than 255 bytes, and the beginning of no text.
    if bytes.starts_with(b"\x30\x82") {
        return Ok(bytes);
    }
    from_text(str::from_utf8(&bytes).map_err(|_| EXPECTED.to_owned())?)
}

/// PEM (RFC 7468), with whatever text around it, or base64 alone.
fn from_text(text: &str) -> Result<Vec<u8>, String> {
    if text.contains("PRIVATE KEY-----") {
        return Err("this is a private key: it belongs nowhere near this file".to_owned());
    }
    let body = match text.split_once(BEGIN) {
        None => text,
        Some((_, rest)) if rest.contains(BEGIN) => return Err("expected one certificate, found several".to_owned()),
        Some((_, rest)) => rest.split_once(END).ok_or_else(|| EXPECTED.to_owned())?.0,
    };
    let letters: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(letters).map_err(|_| EXPECTED.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use serde_json::json;

    const SIGNING: &str = include_str!("../../../tests/fixtures/cpa/helsenorge-signing.pem");

    fn folder() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/cpa"))
    }

    #[test]
    fn every_form_gives_the_same_certificate() {
        let base64: String = SIGNING.lines().filter(|line| !line.starts_with("---")).collect();
        let from_pem = setting(&json!(SIGNING), folder()).unwrap().unwrap();
        for value in [json!(base64), json!({ "file": "helsenorge-signing.pem" }), json!(format!("subject=x\r\n{SIGNING}"))] {
            assert_eq!(setting(&value, folder()).unwrap().unwrap(), from_pem);
        }
        assert_eq!((from_pem.signing, from_pem.encryption), (true, false));
        assert_eq!(from_pem.not_before, "2020-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(from_pem.not_after, "2049-12-31T00:00:00Z".parse().unwrap());
        assert_eq!(from_pem.subject, "CN=Helsenorge test signering, O=Fiktive testvirksomheter, C=NO");
        assert_eq!((from_pem.thumbprint.len(), from_pem.thumbprint.to_uppercase()), (40, from_pem.thumbprint.clone()));
        assert_eq!(setting(&Value::Null, folder()), Ok(None));
    }

    #[test]
    fn a_cut_certificate_is_refused_and_a_damaged_one_does_no_harm() {
        let der = from_text(SIGNING).unwrap();
        for end in 0..der.len() {
            assert!(known(&der[..end]).is_err(), "{end}");
            let mut damaged = der.clone();
            damaged[end] ^= 0xff;
            if let Ok(known) = known(&damaged) {
                assert_eq!(known.der, damaged);
            }
        }
        assert!(known(&[der.clone(), vec![0]].concat()).is_err(), "something follows it");
    }

    #[test]
    fn faults_say_what_is_expected_and_never_what_is_there() {
        for (value, want) in [
            (json!(7), EXPECTED),
            (json!(""), NO_CERTIFICATE),
            (json!("15868549960"), EXPECTED),
            (json!("aGVpIQ=="), NO_CERTIFICATE),
            (json!({ "path": "x" }), EXPECTED),
            (json!({ "file": "x", "more": 1 }), EXPECTED),
            (json!(format!("{SIGNING}{SIGNING}")), "expected one certificate, found several"),
            (json!(SIGNING.replace(END, "")), EXPECTED),
            (json!("-----BEGIN PRIVATE KEY-----"), "this is a private key: it belongs nowhere near this file"),
        ] {
            assert_eq!(setting(&value, folder()), Err(want.to_owned()), "{value}");
        }
        assert!(setting(&json!({ "file": "no-such.pem" }), folder()).unwrap_err().starts_with("the file cannot be read: "));
    }
}
