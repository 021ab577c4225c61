//! Cases 24 to 29, 33 and 34: what is sealed, by others and by us.

use cms::content_info::ContentInfo;
use cms::enveloped_data::{EnvelopedData, RecipientIdentifier, RecipientInfo};
use cms::signed_data::{SignedData, SignerIdentifier};
use conformance::{Bench, accepted, refused, texts};
use der::{Decode, Encode};
use domain::setup::Setup;
use e2e::{Clinic, Exchange, certificate, decryption_key, known};
use helsenorge::{Message, Sent};
use pki::{Authority, Period, Subject, Usage};
use trust::Policy;

const INVALID: &str = "transport:invalid-certificate";
const UNSUPPORTED: &str = "transport:unsupported-message";
const TO_US: &str = "-aes256 -recip recipient.pem";

struct Scene {
    exchange: Exchange,
    bench: Bench,
    clinic: Clinic,
}

impl Scene {
    async fn open() -> Self {
        Self::with(|_, _| {}).await
    }

    /// With another set-up.
    async fn with(change: impl FnOnce(&Exchange, &mut Setup)) -> Self {
        let exchange = Exchange::new(2048);
        let bench = Bench::new(&exchange);
        let fleet = exchange.fleet().await;
        let mut setup = exchange.setup();
        change(&exchange, &mut setup);
        fleet.apply_setup(setup).await;
        Self { clinic: Clinic::of(fleet).await, bench, exchange }
    }

    /// Signs and encrypts with these options; asserts that what comes out is the payload to the byte, and that it is delivered.
    async fn opens(&mut self, name: &str, sign: &str, encrypt: &str) {
        let message = Message::ekontakt().text(name);
        let plain = message.build();
        let sealed = self.bench.encrypted(&self.bench.signed(&plain.body, sign), encrypt);
        let (own, signer) = (decryption_key(&self.exchange.clinic.encryption), certificate(&self.exchange.helsenorge.signing));
        let opened =
            trust::open(&sealed, &[own], &[signer], &Policy::default()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(opened.content, plain.body, "{name}");
        accepted(&mut self.clinic, &self.exchange, &plain.with_sealed_body(sealed)).await;
        assert!(texts(&self.clinic).await.contains(&name.to_owned()), "{name}");
    }

    /// Sends; asserts that this is told once, and that nothing of it is delivered or left.
    async fn is_refused(&mut self, sent: &Sent, condition: &str) {
        let before = texts(&self.clinic).await;
        refused(&mut self.clinic, sent, condition).await;
        assert_eq!(texts(&self.clinic).await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_24_as_helsenorge_seals() {
    let mut scene = Scene::open().await;
    scene.opens("by issuer and serial number, without signed attributes", "-md sha256 -noattr", TO_US).await;
    let sent = scene.exchange.sealed(&Message::ekontakt().text("by the stand-in"));
    accepted(&mut scene.clinic, &scene.exchange, &sent).await;
    scene.clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_25_as_others_may_seal() {
    let mut scene = Scene::open().await;
    let (e, pki) = (&scene.exchange, &scene.exchange.pki);
    let stranger = pki.party("Fremmed AS", "912345601", 300);
    scene.bench.add("stranger", &stranger.encryption);
    let bundle = [pki.root.identity().pem(), pki.intermediate.identity().pem(), e.helsenorge.signing.pem()].concat();
    scene.bench.write("bundle.pem", &bundle);
    let oaep = format!("{TO_US} -keyopt rsa_padding_mode:oaep");
    for (name, sign, encrypt) in [
        ("signed attributes", "-md sha256", TO_US),
        ("subject key identifiers", "-keyid", "-keyid -aes256 -recip recipient.pem"),
        ("OAEP", "", &*oaep),
        ("OAEP with SHA-256", "", &*format!("{oaep} -keyopt rsa_oaep_md:sha256")),
        ("two recipients, ours second", "-noattr", "-aes256 -recip stranger.pem -recip recipient.pem"),
        ("BER", "-stream", &*format!("{TO_US} -stream")),
        ("BER without attributes", "-stream -noattr", &*format!("{TO_US} -stream")),
        ("intermediates first", "-nocerts -certfile bundle.pem", TO_US),
        ("SHA-384", "-md sha384", TO_US),
        ("SHA-512", "-md sha512 -noattr", TO_US),
        ("PSS", "-keyopt rsa_padding_mode:pss", TO_US),
        ("AES-128", "", "-aes128 -recip recipient.pem"),
    ] {
        scene.opens(name, sign, encrypt).await;
        if name.starts_with("BER") {
            assert_eq!((scene.bench.read("signed")[1], scene.bench.read("message")[1]), (0x80, 0x80), "indefinite lengths");
        }
    }
    scene.clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_26_for_an_earlier_certificate_and_for_nobody_we_know() {
    let earlier = |exchange: &Exchange| exchange.pki.party("Solbakken legesenter AS", "999999998", 400).encryption;
    let mut scene = Scene::with(|exchange, setup| {
        exchange.put_key("earlier.pem", &earlier(exchange));
        setup.clinics[0].own_certificates.legacy_encryption = vec!["earlier.pem".into()];
    })
    .await;
    scene.bench.add("earlier", &earlier(&scene.exchange));
    scene.bench.add("unknown", &scene.exchange.pki.party("Fremmed AS", "912345601", 300).encryption);
    let to = |who: &str, message: &Message| {
        let sent = message.build();
        let inner = scene.bench.signed(&sent.body, "-noattr");
        sent.with_sealed_body(scene.bench.encrypted(&inner, &format!("-aes256 -recip {who}.pem")))
    };
    let (for_earlier, for_unknown) = (to("earlier", &Message::ekontakt()), to("unknown", &Message::ekontakt()));
    accepted(&mut scene.clinic, &scene.exchange, &for_earlier).await;
    let error = refused(&mut scene.clinic, &for_unknown, INVALID).await;
    let description = error.application("errorDescription").unwrap();
    assert!(description.contains("012D") && description.contains("Test Issuing CA"), "serial number and issuer: {description}");
    assert_eq!(error.application("errorConditionData"), None);
    scene.clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_27_whoever_is_not_the_expected_signer() {
    let mut scene = Scene::open().await;
    let pki = &scene.exchange.pki;
    let genuine = &scene.exchange.helsenorge.signing;
    scene.bench.write("genuine.pem", &genuine.pem());
    assert_eq!(certificate(genuine).serial(), "64", "100, as below");
    let request =
        |serial| pki.request(Subject::of("Norsk Helsenett SF", "994598759"), "attacker", &[Usage::NonRepudiation], serial);
    // Of the same authority; of another, with the same serial number; of a false one, with the same issuer and serial number.
    let false_one = Authority::root("Test Issuing CA", pki::key("false authority", 2048), Period::days(pki.now, -9, 9));
    for (name, identity) in [
        ("stranger", pki.party("Fremmed AS", "912345601", 300).signing),
        ("attacker", pki.intermediate.issue(request(301))),
        ("same-serial", pki.other_root.issue(request(100))),
        ("same-name", false_one.issue(request(100))),
    ] {
        scene.bench.add(name, &identity);
    }
    for who in ["stranger", "attacker", "same-serial", "same-name"] {
        for options in ["-noattr", "-noattr -certfile genuine.pem", "-certfile genuine.pem", "-keyid -certfile genuine.pem"] {
            let message = Message::ekontakt();
            let inner = scene.bench.signed_by(who, &message.build().body, options);
            let sent = scene.bench.around(&message, &inner);
            scene.is_refused(&sent, INVALID).await;
        }
    }
    assert_eq!(texts(&scene.clinic).await, Vec::<String>::new());
    scene.clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_28_altered_content() {
    let mut scene = Scene::open().await;
    for options in ["-noattr", ""] {
        let message = Message::ekontakt().text("Kneet er hovent");
        let mut inner = scene.bench.signed(&message.build().body, options);
        let at = inner.windows(6).position(|bytes| bytes == b"hovent").unwrap();
        inner[at] = b'H';
        scene.is_refused(&scene.bench.around(&message, &inner), INVALID).await;
    }
    // Altered on the way.
    let mut sent = scene.exchange.sealed(&Message::ekontakt());
    let mut body = sent.body.to_vec();
    let last = body.len() - 20;
    body[last] ^= 1;
    sent.body = body.into();
    scene.is_refused(&sent, INVALID).await;
    let attempts = "dialogpost.processed where worker = 'helsenorge-inbound'";
    assert_eq!(scene.clinic.fleet.rows.count(attempts).await, 3, "each handled once");
    assert_eq!(scene.clinic.fleet.rows.count("dialogpost.dead_letter").await, 0);
    scene.clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_29_no_certificate_of_the_signer() {
    let mut scene = Scene::with(|exchange, setup| {
        setup.parties[0].certificates = vec![known(&exchange.helsenorge.encryption)];
    })
    .await;
    let sent = scene.exchange.sealed(&Message::ekontakt());
    let error = refused(&mut scene.clinic, &sent, "transport:missing-certificate").await;
    assert_eq!(error.application("errorDescription"), Some("Certificate is missing"));
    assert_eq!(error.application("errorConditionData"), Some(""), "there, and empty");
    scene.clinic.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_33_ciphers_of_old() {
    let old = [
        ("-des3", "1.2.840.113549.3.7"),
        ("-des-cbc -provider legacy -provider default", "1.3.14.3.2.7"),
        ("-rc2-128 -provider legacy -provider default", "1.2.840.113549.3.2"),
    ];
    let mut scene = Scene::open().await;
    for (cipher, oid) in old {
        let message = Message::ekontakt();
        let inner = scene.bench.signed(&message.build().body, "-noattr");
        let sent = message.build().with_sealed_body(scene.bench.encrypted(&inner, &format!("{cipher} -recip recipient.pem")));
        let error = refused(&mut scene.clinic, &sent, UNSUPPORTED).await;
        assert!(error.application("errorDescription").unwrap().contains(oid), "{error:?}");
    }
    scene.clinic.close().await;

    // With rejection off 3DES passes, DES never does.
    let exchange = Exchange::new(2048);
    let bench = Bench::new(&exchange);
    let mut fleet = exchange.fleet().await;
    fleet.settings.insert("LEGACY_ALGORITHMS", "warn".to_owned());
    let mut clinic = Clinic::of(fleet).await;
    for (cipher, passes) in [(old[0].0, true), (old[1].0, false)] {
        let message = Message::ekontakt();
        let inner = bench.signed(&message.build().body, "-noattr");
        let sent = message.build().with_sealed_body(bench.encrypted(&inner, &format!("{cipher} -recip recipient.pem")));
        if passes {
            accepted(&mut clinic, &exchange, &sent).await;
        } else {
            refused(&mut clinic, &sent, UNSUPPORTED).await;
        }
    }
    clinic.close().await;
}

/// .NET is not at hand: that its EnvelopedCms and SignedCms open it too follows from the structure, which is what they write themselves.
#[tokio::test(flavor = "multi_thread")]
async fn case_34_what_we_seal_opens_elsewhere() {
    let mut scene = Scene::open().await;
    let sent = scene.exchange.sealed(&Message::ekontakt());
    scene.clinic.publish(&[sent]).await;
    let receipt = scene.clinic.receipt().await;
    scene.bench.write("ours", &receipt.body);
    scene.bench.openssl("cms -decrypt -binary -inform DER -in ours -recip reader.pem -inkey reader.key -out opened");
    let verify = "cms -verify -binary -inform DER -in opened -CAfile root.pem -purpose any -signer by.pem -out read";
    scene.bench.openssl(verify);
    assert_eq!(scene.bench.read("by.pem"), scene.exchange.clinic.signing.pem(), "the end certificate came along");
    assert_eq!(scene.bench.read("read"), scene.exchange.opened(&receipt).body);

    let (outside, inside) = (receipt.body.to_vec(), scene.bench.read("opened"));
    let info = ContentInfo::from_der(&outside).unwrap();
    assert_eq!(info.to_der().unwrap(), outside, "DER");
    let enveloped: EnvelopedData = info.content.decode_as().unwrap();
    let [RecipientInfo::Ktri(recipient)] = enveloped.recip_infos.0.as_slice() else { panic!("one recipient") };
    assert!(matches!(recipient.rid, RecipientIdentifier::IssuerAndSerialNumber(_)));
    assert_eq!(recipient.key_enc_alg.oid.to_string(), "1.2.840.113549.1.1.1");
    assert_eq!(enveloped.encrypted_content.content_type.to_string(), "1.2.840.113549.1.7.1");
    assert_eq!(enveloped.encrypted_content.content_enc_alg.oid.to_string(), "2.16.840.1.101.3.4.1.42");

    let info = ContentInfo::from_der(&inside).unwrap();
    assert_eq!(info.to_der().unwrap(), inside, "DER");
    assert_eq!(info.content_type.to_string(), "1.2.840.113549.1.7.2");
    let signed: SignedData = info.content.decode_as().unwrap();
    assert_eq!(signed.encap_content_info.econtent_type.to_string(), "1.2.840.113549.1.7.1");
    assert_eq!(signed.certificates.unwrap().0.len(), 2, "the end certificate and the intermediate");
    let [signer] = signed.signer_infos.0.as_slice() else { panic!("one signer") };
    assert!(matches!(signer.sid, SignerIdentifier::IssuerAndSerialNumber(_)));
    assert_eq!(signer.digest_alg.oid.to_string(), "2.16.840.1.101.3.4.2.1");
    let signature = signer.signature_algorithm.oid.to_string();
    assert!(["1.2.840.113549.1.1.1", "1.2.840.113549.1.1.11"].contains(&signature.as_str()), "{signature}");
    scene.clinic.close().await;
}
