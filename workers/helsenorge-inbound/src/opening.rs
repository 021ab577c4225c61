//! Protected content → readable content, or what its sender is told (nhn-messaging 3.2, 3.3, 5).

use crate::arrival::{Arrived, Reading};
use domain::agreement::{Known, Question, Use, look_up};
use domain::arrival::{Payload, Unopened};
use domain::transport::{ErrorMessage, UNSUPPORTED};
use jiff::Timestamp;
use messages::{Fault, HerId};
use runtime::protection::{self, Protection, Sealed};
use std::collections::HashMap;
use store::agreement::Pair;
use store::clinic::KeyNames;
use store::{Store, StoreError, agreement, clinic};
use trust::{CertificateErrors, OpenFault, Opened, Verdict, report};
use uuid::Uuid;

/// Content that should have been protected; `None` = it may be read as it is.
pub fn unprotected(accepted: bool) -> Option<Unopened> {
    let error = || ErrorMessage::new(UNSUPPORTED, "Content must be signed and encrypted");
    (!accepted).then(|| Unopened::Refused("content-unprotected", error()))
}

/// Opens what is sealed in a batch, and reads it.
///
/// # Errors
/// As any step of the store.
pub async fn open(
    protection: &Protection,
    store: &Store,
    batch: Vec<&mut Arrived>,
    now: Timestamp,
    reading: &Reading,
) -> Result<(), StoreError> {
    let mut sealed: Vec<_> = batch.into_iter().filter_map(|arrived| Some((asked(arrived)?, arrived))).collect();
    if sealed.is_empty() {
        return Ok(());
    }
    let pairs: Vec<Pair> = sealed.iter().map(|(pair, _)| *pair).collect();
    let own: Vec<HerId> = pairs.iter().map(|pair| pair.own).collect();
    let (known, keys) = {
        // Let go of before the processor's work.
        let session = store.session().await?;
        tokio::try_join!(agreement::for_pairs(&session, &pairs), clinic::key_names(&session, &own))?
    };
    let jobs = sealed.iter().map(|(pair, arrived)| job(protection, arrived, pair, &known, &keys, now)).collect();
    let beside = reading.clone();
    let opened = protection.open(jobs, now, move |content| beside.payload(content)).await;
    for ((pair, arrived), result) in sealed.iter_mut().zip(opened) {
        match result {
            // It is for a key that nobody has named: that is ours to mend, not the sender's.
            Err(protection::Unopened::Message(OpenFault::RecipientUnknown { .. }))
                if keys.get(&pair.own).is_some_and(|named| !named.decrypts()) =>
            {
                let fault = Fault::transient("own-key-unavailable", "the clinic's set-up names no key that decrypts");
                arrived.arrival.payload = Payload::Unopened(Unopened::Later(fault));
            }
            Ok((opened, payload)) => {
                count(&opened);
                arrived.opened(payload, reading);
            }
            Err(why) => {
                let why = told(why);
                if let Unopened::Refused(code, _) = &why {
                    tracing::info!(message = %arrived.id, from = %pair.other, to = %pair.own, code, "protected content does not open");
                }
                arrived.arrival.payload = Payload::Unopened(why);
            }
        }
    }
    Ok(())
}

/// Who says that the message is whose. Without that nobody's certificates can be looked up, and the header's check says what is missing.
fn asked(arrived: &Arrived) -> Option<Pair> {
    let cpa_id = arrived.arrival.properties.application("cpaId").and_then(|id| Uuid::try_parse(id.trim()).ok());
    let is_sealed = matches!(arrived.arrival.payload, Payload::Closed) && arrived.wants_opening;
    Some(Pair { own: arrived.keys.to?, other: arrived.keys.from?, cpa_id }).filter(|_| is_sealed)
}

fn job(
    protection: &Protection,
    arrived: &Arrived,
    pair: &Pair,
    known: &HashMap<Pair, Known>,
    keys: &HashMap<HerId, KeyNames>,
    now: Timestamp,
) -> Sealed {
    let function = arrived.arrival.function().unwrap_or_default();
    let question = Question {
        own: pair.own,
        other: pair.other,
        cpa_id: pair.cpa_id,
        function: &function,
        excluded: protection.without_agreement(),
        now,
    };
    let expected = known.get(pair).map(|known| {
        let found = look_up(known, &question);
        for warning in &found.warnings {
            tracing::debug!(message = %arrived.id, from = %pair.other, %warning);
        }
        found.candidates(Use::Signing, now).into_iter().map(|c| c.certificate.der.clone()).collect()
    });
    Sealed {
        body: arrived.raw.clone(),
        own: keys.get(&pair.own).map(|k| k.decryption.clone()).unwrap_or_default(),
        expected: expected.unwrap_or_default(),
        received_at: arrived.arrival.received_at,
    }
}

fn count(opened: &Opened) {
    for warning in &opened.warnings {
        let (trust::Warning::LegacyCipher { oid } | trust::Warning::LegacyDigest { oid }) = warning;
        metrics::counter!("dialogpost_legacy_algorithm_total", "oid" => oid.to_string()).increment(1);
        tracing::warn!(%oid, "a message uses an algorithm that was good once");
    }
}

/// The failure table (nhn-messaging 3.3): what the sender is told.
fn told(why: protection::Unopened) -> Unopened {
    match why {
        protection::Unopened::Later(fault) => Unopened::Later(fault),
        protection::Unopened::Message(fault) => message(&fault),
        protection::Unopened::Certificate(errors, certificate) => match report(errors, certificate.as_ref()) {
            Verdict::Refused(refused) => {
                let (condition, description) = (refused.condition.into(), refused.description.into());
                Unopened::Refused(code(errors), ErrorMessage { condition, description, data: Some(refused.data) })
            }
            // Nothing is wrong with it: the caller would not ask.
            Verdict::Valid | Verdict::TryLater => Unopened::Later(Fault::transient(
                "revocation-offline",
                "whether the certificate is revoked cannot be found out now",
            )),
        },
    }
}

fn message(fault: &OpenFault) -> Unopened {
    if *fault == OpenFault::SignerUnknown {
        return told(protection::Unopened::Certificate(CertificateErrors::MISSING, None));
    }
    // A signature with an algorithm we do not take is told apart from a wrong one only in our ledger.
    let condition = fault.condition();
    Unopened::Refused(fault.code(), ErrorMessage::new(condition, fault.to_string()))
}

/// Our code for a certificate's faults.
fn code(errors: CertificateErrors) -> &'static str {
    match errors {
        CertificateErrors::MISSING => "signer-unknown",
        CertificateErrors::START_DATE => "certificate-not-yet-valid",
        CertificateErrors::END_DATE => "certificate-expired",
        CertificateErrors::USAGE => "certificate-usage",
        CertificateErrors::REVOKED => "certificate-revoked",
        CertificateErrors::REVOKED_UNKNOWN => "certificate-revocation-unknown",
        CertificateErrors::UNTRUSTED => "certificate-untrusted",
        _ => "certificate-faults",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trust::Unverified;

    fn refused(why: protection::Unopened) -> (&'static str, String, String, Option<String>) {
        match told(why) {
            Unopened::Refused(code, e) => (code, e.condition.into_owned(), e.description.into_owned(), e.data),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn conformance_29_30_certificates() {
        let table = [
            (CertificateErrors::MISSING, "signer-unknown", "transport:missing-certificate", "Certificate is missing"),
            (CertificateErrors::START_DATE, "certificate-not-yet-valid", "transport:expired-certificate", "Invalid start date"),
            (CertificateErrors::END_DATE, "certificate-expired", "transport:expired-certificate", "Invalid end date"),
            (CertificateErrors::USAGE, "certificate-usage", "transport:invalid-certificate", "Invalid usage"),
            (CertificateErrors::REVOKED, "certificate-revoked", "transport:revoked-certificate", "Certificate has been revoked"),
            (
                CertificateErrors::REVOKED | CertificateErrors::USAGE,
                "certificate-faults",
                "transport:invalid-certificate",
                "More than one error with certificate",
            ),
        ];
        for (errors, code, condition, description) in table {
            let want = (code, condition.to_owned(), description.to_owned(), Some(String::new()));
            assert_eq!(refused(protection::Unopened::Certificate(errors, None)), want);
        }
        let unknown = refused(protection::Unopened::Message(OpenFault::SignerUnknown));
        assert_eq!((unknown.0, unknown.3.as_deref()), ("signer-unknown", Some("")));
    }

    /// Whatever fails after the right key was found says the same to the sender: it must learn nothing about the plaintext.
    #[test]
    fn one_answer_for_everything_that_does_not_verify() {
        let answers: Vec<_> =
            [Unverified::Decryption, Unverified::NotSignedData, Unverified::SignerUnexpected, Unverified::Signature]
                .map(|fault| refused(protection::Unopened::Message(OpenFault::Unverified(fault))))
                .into_iter()
                .map(|(_, condition, description, data)| (condition, description, data))
                .collect();
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
        assert_eq!((answers[0].0.as_str(), &answers[0].2), ("transport:invalid-certificate", &None));
    }

    #[test]
    fn what_time_heals_is_not_told() {
        let offline = protection::Unopened::Later(Fault::transient("revocation-offline", "x"));
        assert!(matches!(told(offline), Unopened::Later(fault) if fault.code == "revocation-offline"));
    }
}
