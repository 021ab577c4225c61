use crate::support::{shared, url};
use broker::topology;
use std::process::{Command, Stdio};
use std::time::Duration;

#[tokio::test]
async fn l1_amqps_to_a_plaintext_port_fails() {
    let rabbit = shared().await;
    let encrypted = rabbit.url("/").replace("amqp://", "amqps://");
    assert!(url(&encrypted).is_encrypted());
    let fault = topology::apply(&url(&encrypted)).await.unwrap_err();
    assert_eq!(fault.code, "amqp-connection", "{fault}");
    let password = encrypted.split([':', '@']).nth(2).unwrap();
    assert!(!fault.to_string().contains(password));
}

/// Waits for what must come.
async fn until(holds: impl Fn() -> bool, what: &str) {
    for _ in 0..400 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l1_amqps_encrypts_and_checks_the_certificate() {
    let dir = std::env::temp_dir().join(format!("dialogpost-tls-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let openssl = |args: &str| {
        let status = Command::new("openssl").args(args.split(' ')).current_dir(&dir).stderr(Stdio::null()).status().unwrap();
        assert!(status.success(), "{args}");
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca");
    openssl("req -newkey rsa:2048 -nodes -keyout key.pem -out csr.pem -subj /CN=localhost");
    std::fs::write(dir.join("ext"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl("x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2 -extfile ext");

    // A server that speaks TLS and nothing else, and writes down what it decrypts.
    let port: u16 = rand::random_range(21_000..32_000);
    let out = std::fs::File::create(dir.join("out")).unwrap();
    let mut server = Command::new("openssl")
        .args(["s_server", "-quiet", "-cert", "cert.pem", "-key", "key.pem", "-accept", &port.to_string()])
        .current_dir(&dir)
        .stdin(Stdio::piped())
        .stdout(out)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until(|| std::net::TcpStream::connect(("localhost", port)).is_ok(), "the server listens").await;
    let decrypted = || std::fs::read(dir.join("out")).unwrap();

    let unknown = url(&format!("amqps://u:p@localhost:{port}/v"));
    assert_eq!(topology::apply(&unknown).await.unwrap_err().code, "amqp-untrusted");
    assert!(decrypted().is_empty(), "an unknown authority gets nothing");

    let known = unknown.with_certificate_authority(std::fs::read_to_string(dir.join("ca.pem")).unwrap());
    // Nobody answers the greeting: the attempt is given up once it has arrived.
    let attempt = tokio::spawn(async move { topology::apply(&known).await });
    until(|| decrypted().starts_with(b"AMQP"), "the greeting arrives through TLS").await;
    attempt.abort();
    server.kill().unwrap();
    server.wait().unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}
