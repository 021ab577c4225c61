//! Messages of one batch.

use crate::support::{Scene, certificate, now};
use jiff::SignedDuration;
use runtime::protection::{Sealed, Unopened};
use trust::{CertificateErrors, SigningKey, Zeroizing, seal};

#[tokio::test(flavor = "multi_thread")]
async fn each_message_is_judged_as_of_when_it_was_received() {
    let scene = Scene::new().await;
    let clinic = scene.pki.party("Sentrum Legekontor AS", "912345600", 0x81);
    let own = [clinic.encryption.pem(), clinic.encryption.key_pem()].concat();
    std::fs::write(scene.dir.join("clinic.key"), own).unwrap();
    std::fs::write(scene.dir.join("issuing.crl"), scene.pki.crl()).unwrap();
    std::fs::write(scene.dir.join("root.crl"), scene.pki.root_crl()).unwrap();
    let process = scene.process("required");
    assert!(process.has_anchors());

    let ended_yesterday = scene.pki.expired(0x82);
    let key = SigningKey::from_pem(&ended_yesterday.chain_pem(), &Zeroizing::new(ended_yesterday.key_pem()), None).unwrap();
    let body = seal(b"content".to_vec(), &key, &certificate(&clinic.encryption)).unwrap();
    let received = |hours| Sealed {
        body: body.clone().into(),
        own: vec!["clinic.key".to_owned()],
        expected: vec![ended_yesterday.der()],
        received_at: now() - SignedDuration::from_hours(hours),
    };
    let opened = process.open(vec![received(48), received(0), received(48)], now(), <[u8]>::len).await;
    let errors: Vec<_> = opened.into_iter().map(|one| one.map(|(opened, read)| (opened.content, read))).collect();
    assert!(matches!(&errors[1], Err(Unopened::Certificate(CertificateErrors::END_DATE, Some(_)))));
    for index in [0, 2] {
        assert!(errors[index].as_ref().is_ok_and(|(content, read)| content == b"content" && *read == 7));
    }
}
