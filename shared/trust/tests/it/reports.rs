//! What a sender is told about a certificate.

use crate::support::{certificate, world};
use trust::{CertificateErrors as E, ErrorReport, Verdict, report};

const ALL: [(E, u16); 8] = [
    (E::START_DATE, 1),
    (E::END_DATE, 2),
    (E::USAGE, 4),
    (E::REVOKED, 8),
    (E::REVOKED_UNKNOWN, 16),
    (E::MISSING, 32),
    (E::REVOKED_OFFLINE, 64),
    (E::UNTRUSTED, 128),
];

#[test]
fn each_flag_has_its_number_and_name() {
    let mut names = std::collections::BTreeSet::new();
    for (error, bits) in ALL {
        assert_eq!(error.bits(), bits);
        names.extend(error.names());
    }
    assert_eq!(names.len(), ALL.len());
    assert_eq!(format!("{:?}", E::END_DATE | E::UNTRUSTED), "{\"end-date\", \"untrusted\"}");
    assert!(E::NONE.is_empty() && E::NONE.names().next().is_none());
}

#[test]
fn each_fault_has_its_words() {
    let signer = certificate(&world().helsenorge.signing);
    let data = format!("Subject: {};Thumbprint: {};", signer.subject(), signer.thumbprint());
    for (errors, condition, description) in [
        (E::START_DATE, "transport:expired-certificate", "Invalid start date"),
        (E::END_DATE, "transport:expired-certificate", "Invalid end date"),
        (E::USAGE, "transport:invalid-certificate", "Invalid usage"),
        (E::REVOKED, "transport:revoked-certificate", "Certificate has been revoked"),
        (E::REVOKED_UNKNOWN, "transport:revoked-certificate", "Unable to determine revocation status"),
        (E::UNTRUSTED, "transport:invalid-certificate", "Certificate is not issued by a trusted authority"),
    ] {
        let data = data.clone();
        assert_eq!(report(errors, Some(&signer)), Verdict::Refused(ErrorReport { condition, description, data }));
    }
}

#[test]
fn case_29_a_missing_certificate_has_no_data() {
    let (condition, description) = ("transport:missing-certificate", "Certificate is missing");
    let told = ErrorReport { condition, description, data: String::new() };
    assert_eq!(report(E::MISSING, None), Verdict::Refused(told));
}

#[test]
fn case_31_nobody_is_told_that_the_revocation_service_is_down() {
    assert_eq!(report(E::REVOKED_OFFLINE, None), Verdict::TryLater);
    assert_eq!(report(E::NONE, None), Verdict::Valid);
}

#[test]
fn two_faults_or_more_are_one() {
    for bits in 0..256_u16 {
        let together = ALL.into_iter().filter(|(_, bit)| bits & bit != 0).fold(E::NONE, |sum, (error, _)| sum | error);
        assert_eq!(together.bits(), bits);
        if (bits & !E::REVOKED_OFFLINE.bits()).count_ones() > 1 {
            let Verdict::Refused(told) = report(together, None) else { panic!("{together:?}") };
            assert_eq!(told.condition, "transport:invalid-certificate");
            assert_eq!(told.description, "More than one error with certificate");
        }
    }
}

#[test]
fn what_cannot_be_looked_up_does_not_hide_what_is_known() {
    for (error, _) in ALL.into_iter().filter(|(error, _)| *error != E::REVOKED_OFFLINE) {
        assert_eq!(report(error | E::REVOKED_OFFLINE, None), report(error, None));
        assert_eq!((error | E::REVOKED_OFFLINE).settled(), error);
    }
    assert_eq!(E::REVOKED_OFFLINE.settled(), E::REVOKED_OFFLINE);
}
