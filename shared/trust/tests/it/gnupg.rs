//! A second opinion: `GnuPG`'s implementation of CMS (libksba, libgcrypt), which shares nothing with `OpenSSL`. It writes BER.
//!
//! Says that it skips where `gpgsm` is not installed: `deploy/test.sh` installs it.

use crate::support::{CONTENT, assert_opens, certificate, signing_key, world};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use trust::seal;

struct GnuPg(PathBuf);

impl GnuPg {
    /// A home of its own that holds HelseNorge's keys and the clinic's certificates, and trusts the root.
    fn new() -> Option<Self> {
        let there = |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
        if !there("gpgsm") || !there("gpg-agent") {
            println!("SKIPPED: gpgsm and gpg-agent are not installed");
            return None;
        }
        // Short: the agent's socket has to fit into 108 bytes.
        let home = std::env::temp_dir().join(format!("gpg-{}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();
        std::fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let gnupg = Self(home);
        let w = world();
        let root = certificate(w.pki.root.identity()).thumbprint();
        gnupg.write("trustlist.txt", format!("{root} S\n").as_bytes());
        let clinic = [&w.clinic.signing, &w.clinic.encryption].map(pki::Identity::pem).concat();
        gnupg.write("all.pem", &[w.pki.root.identity().pem(), w.pki.intermediate.identity().pem(), clinic].concat());
        gnupg.run("--import", &["all.pem"]);
        for identity in [&w.helsenorge.signing, &w.helsenorge.encryption] {
            gnupg.import(identity);
        }
        Some(gnupg)
    }

    /// The key goes straight to where the agent keeps it: `gpgsm` misreads one PKCS#12 file in 64.
    fn import(&self, identity: &pki::Identity) {
        self.write("pem", &identity.pem());
        self.run("--import", &["pem"]);
        let listed = self.run("--list-keys", &["--with-colons", "--with-keygrip", &certificate(identity).thumbprint()]);
        let grip = listed.lines().find_map(|line| line.strip_prefix("grp:")).unwrap().trim_matches(':');
        let key = identity.private_key().rsa().unwrap();
        // Its first prime is the smaller one, OpenSSL's the larger.
        let numbers =
            [("n", Some(key.n())), ("e", Some(key.e())), ("d", Some(key.d())), ("p", key.q()), ("q", key.p()), ("u", key.iqmp())];
        let numbers = numbers.map(|(name, number)| format!("({name} #00{}#)", number.unwrap().to_hex_str().unwrap())).concat();
        let folder = self.0.join("private-keys-v1.d");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{grip}.key")), format!("Key: (private-key (rsa {numbers}))\n")).unwrap();
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    /// Runs one command on a day when the certificates are valid. Returns what was said.
    fn run(&self, command: &str, arguments: &[&str]) -> String {
        let output = Command::new("gpgsm")
            .args(["--homedir", ".", "--batch", "--yes", "--disable-crl-checks", "--status-fd", "2"])
            .args(["--faked-system-time", "20260702T120000", command])
            .args(arguments)
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{command} {arguments:?}: {said}");
        said
    }
}

impl Drop for GnuPg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").args(["--homedir", "."]).args(["--kill", "all"]).current_dir(&self.0).status();
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn gnupg_reads_what_we_write_and_we_read_what_gnupg_writes() {
    let Some(gnupg) = GnuPg::new() else { return };
    let w = world();
    let ours = seal(CONTENT.to_vec(), &signing_key(&w.clinic.signing), &certificate(&w.helsenorge.encryption)).unwrap();
    gnupg.write("ours", &ours);
    gnupg.run("--decrypt", &["--output", "inner", "ours"]);
    let said = gnupg.run("--verify", &["--output", "read", "inner"]);
    assert!(said.contains("GOODSIG") && said.contains(&certificate(&w.clinic.signing).thumbprint()), "{said}");
    assert_eq!(gnupg.read("read"), CONTENT);

    gnupg.write("content", CONTENT);
    let from = certificate(&w.helsenorge.signing).thumbprint();
    let to = certificate(&w.clinic.encryption).thumbprint();
    gnupg.run("--sign", &["--local-user", &from, "--output", "signed", "content"]);
    for cipher in ["AES", "AES256"] {
        gnupg.run("--encrypt", &["--cipher-algo", cipher, "--recipient", &to, "--output", "message", "signed"]);
        let message = gnupg.read("message");
        assert_eq!(message[1], 0x80, "indefinite length");
        assert_opens(&message);
    }
}
