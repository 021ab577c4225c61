//! What is read from certificates.

use crate::support::{Bench, certificate, forged, now, world};
use openssl::nid::Nid;
use openssl::x509::{X509Builder, X509Name};
use pki::{Authority, Identity, Period, Subject, Usage};
use trust::{Certificate, CertificateFault, Usages};

#[test]
fn what_openssl_reads_too() {
    let w = world();
    let signer = certificate(&w.helsenorge.signing);
    let theirs =
        Bench::new().openssl("x509 -in signer.pem -noout -serial -fingerprint -sha1 -startdate -enddate -dateopt iso_8601");
    let line = |key: &str| theirs.lines().find_map(|l| l.strip_prefix(key)).unwrap().replace(':', "");
    assert_eq!(signer.serial(), line("serial="));
    assert_eq!(signer.thumbprint(), line("sha1 Fingerprint="));
    assert_eq!(signer.not_before().to_string().replace(':', "").replace('T', " "), line("notBefore="));
    assert_eq!(signer.not_after().to_string().replace(':', "").replace('T', " "), line("notAfter="));
    let theirs = Bench::new().openssl("x509 -in signer.pem -noout -fingerprint -sha256");
    assert_eq!(signer.fingerprint(), theirs.trim().rsplit('=').next().unwrap().replace(':', ""));
    assert_eq!(signer.public_key_bits(), 2048);
    assert_eq!(signer.subject_key_id().map(<[u8]>::len), Some(20));
}

#[test]
fn names_as_dotnet_writes_them() {
    let signer = certificate(&world().helsenorge.signing);
    assert_eq!(signer.subject(), "CN=Helsenorge Testforvaltning, SERIALNUMBER=994598759, O=Helsenorge Testforvaltning, C=NO");
    assert_eq!(signer.issuer(), "CN=Test Issuing CA, SERIALNUMBER=999888777, O=Testutsteder AS, C=NO");

    let mut name = X509Name::builder().unwrap();
    for (key, value) in [
        (Nid::COUNTRYNAME, "NO"),
        (Nid::ORGANIZATIONNAME, "Lege, \"Ås\" & Sønn"),
        (Nid::ORGANIZATIONALUNITNAME, " Hud "),
        (Nid::LOCALITYNAME, "Tromsø"),
        (Nid::STATEORPROVINCENAME, "Troms"),
        (Nid::GIVENNAME, "Kari"),
        (Nid::SURNAME, "Nordmann"),
        (Nid::PKCS9_EMAILADDRESS, "post@test.no"),
    ] {
        name.append_entry_by_nid(key, value).unwrap();
    }
    name.append_entry_by_text("2.5.4.97", "NTRNO-912345678").unwrap();
    name.append_entry_by_text("1.2.3.4", "x").unwrap();
    let odd = signed_builder(|builder| builder.set_subject_name(&name.build()).unwrap());
    assert_eq!(
        odd.subject(),
        "OID.1.2.3.4=x, OID.2.5.4.97=NTRNO-912345678, E=post@test.no, SN=Nordmann, G=Kari, S=Troms, L=Tromsø, \
         OU=\" Hud \", O=\"Lege, \"\"Ås\"\" & Sønn\", C=NO"
    );
}

/// A certificate with hardly anything in it.
fn signed_builder(fill: impl FnOnce(&mut X509Builder)) -> Certificate {
    let key = pki::key("attacker", 2048);
    let mut builder = X509Builder::new().unwrap();
    builder.set_not_before(&openssl::asn1::Asn1Time::from_unix(0).unwrap()).unwrap();
    builder.set_not_after(&openssl::asn1::Asn1Time::from_unix(0).unwrap()).unwrap();
    fill(&mut builder);
    builder.set_pubkey(&key).unwrap();
    builder.sign(&key, openssl::hash::MessageDigest::sha256()).unwrap();
    Certificate::from_der(&builder.build().to_der().unwrap()).unwrap()
}

#[test]
fn a_certificate_with_hardly_anything_in_it() {
    let bare = signed_builder(|_| {});
    assert_eq!((bare.subject(), bare.issuer(), bare.serial()), (String::new(), String::new(), "0".to_owned()));
    assert_eq!(bare.usages(), Usages::default());
    assert_eq!((bare.crl_urls(), bare.subject_key_id()), (Vec::<String>::new(), None));
    assert_eq!(bare.not_before().as_second(), 0);
}

#[test]
fn validity_without_end_is_the_last_time_there_is() {
    let never = signed_builder(|builder| {
        let end = openssl::asn1::Asn1Time::from_str("99991231235959Z").unwrap();
        builder.set_not_after(&end).unwrap();
    });
    assert_eq!(never.not_after(), jiff::Timestamp::MAX);
}

#[test]
fn usages_are_the_bits_of_the_extension() {
    let w = world();
    let usages = |identity: &Identity| certificate(identity).usages();
    assert_eq!(usages(&w.helsenorge.signing), Usages { signing: true, encryption: false });
    assert_eq!(usages(&w.helsenorge.encryption), Usages { signing: false, encryption: true });
    assert_eq!(usages(&w.pki.dual_use(0x41)), Usages { signing: true, encryption: true });
    assert_eq!(usages(&w.pki.wrong_usage(0x42)), Usages::default());
    assert_eq!(usages(&w.pki.intermediate.issue(forged(|r| r.usages.clear()))), Usages::default());
}

#[test]
fn revocation_lists_over_http_only() {
    let w = world();
    assert_eq!(certificate(&w.helsenorge.signing).crl_urls(), ["http://crl.test/issuing.crl"]);
    assert_eq!(certificate(w.pki.root.identity()).crl_urls(), Vec::<String>::new());
    let urls = ["ldap://a.test/cn=x?crl", "HTTP://b.test/1.crl", "https://b.test/2.crl", "file:///etc/passwd", "nothing"];
    let several = w.pki.intermediate.issue(forged(|r| r.crl_urls = urls.map(str::to_owned).to_vec()));
    assert_eq!(certificate(&several).crl_urls(), ["HTTP://b.test/1.crl"]);
}

#[test]
fn pem_and_der_and_what_is_neither() {
    let identity = &world().helsenorge.signing;
    let der = Certificate::from_der(&identity.der()).unwrap();
    assert_eq!(Certificate::from_pem(&identity.pem()), Ok(der.clone()));
    assert_eq!(der.der(), identity.der());
    assert_eq!(Certificate::all_from_pem(&identity.chain_pem()).unwrap().len(), 2);
    assert_eq!(Certificate::from_der(b"x"), Err(CertificateFault::Malformed));
    assert_eq!(Certificate::from_pem(&identity.der()), Err(CertificateFault::Malformed));
    assert_eq!(Certificate::all_from_pem(b""), Ok(Vec::new()));
    assert_eq!(format!("{der:?}"), format!("Certificate({})", der.thumbprint()));
}

#[test]
fn a_directory_for_a_demo() {
    let dir = std::env::temp_dir().join(format!("dialogpost-pki-{}", std::process::id()));
    let w = world();
    w.pki.write(&dir, &[("helsenorge", &w.helsenorge)]).unwrap();
    let read = |name: &str| std::fs::read(dir.join(name)).unwrap();
    assert_eq!(Certificate::from_pem(&read("root.pem")).unwrap(), certificate(w.pki.root.identity()));
    assert_eq!(Certificate::from_pem(&read("helsenorge-signing.pem")).unwrap(), certificate(&w.helsenorge.signing));
    assert_eq!(read("helsenorge-encryption.key"), w.helsenorge.encryption.key_pem());
    trust::Crl::from_der(&read("issuing.crl")).unwrap();
    trust::Crl::from_der(&read("root.crl")).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn a_root_is_issued_by_itself() {
    let w = world();
    assert!(certificate(w.pki.root.identity()).is_self_issued());
    assert!(!certificate(w.pki.intermediate.identity()).is_self_issued());
    let own = Authority::self_signed(pki::Request {
        subject: Subject::of("Alene AS", "912345603"),
        key: pki::key("attacker", 2048),
        usages: vec![Usage::NonRepudiation],
        period: Period::days(now(), -1, 1),
        serial: 7,
        crl_urls: Vec::new(),
        hosts: Vec::new(),
    });
    assert!(certificate(&own).is_self_issued());
}
