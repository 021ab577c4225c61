//! `openssl` as somebody else's software: it makes what we open, and opens what we make.

use e2e::Exchange;
use helsenorge::{Message, Sent};
use pki::Identity;
use std::path::PathBuf;
use std::process::Command;

/// A directory of its own, and `openssl` in it.
pub struct Bench(PathBuf);

impl Bench {
    /// Holds, as `NAME.pem` and `NAME.key`, the certificates and keys `signer` and `reader` of HelseNorge and `recipient` and `clinic` of
    /// the clinic, and `root.pem`.
    pub fn new(exchange: &Exchange) -> Self {
        let bench = Self(std::env::temp_dir().join(format!("dialogpost-bench-{:x}", rand::random::<u64>())));
        std::fs::create_dir_all(&bench.0).expect("a directory");
        bench.write("root.pem", &exchange.pki.root.identity().pem());
        bench.write("intermediate.pem", &exchange.pki.intermediate.identity().pem());
        bench.add("signer", &exchange.helsenorge.signing);
        bench.add("reader", &exchange.helsenorge.encryption);
        bench.add("recipient", &exchange.clinic.encryption);
        bench.add("clinic", &exchange.clinic.signing);
        bench
    }

    /// One more certificate with its key.
    pub fn add(&self, name: &str, identity: &Identity) {
        self.write(&format!("{name}.pem"), &identity.pem());
        self.write(&format!("{name}.key"), &identity.key_pem());
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(name), bytes).expect("a file");
    }

    /// Reads a file.
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).expect("a file")
    }

    /// Runs `openssl` with arguments between blanks; returns what it printed.
    pub fn openssl(&self, arguments: &str) -> String {
        let output =
            Command::new("openssl").args(arguments.split_whitespace()).current_dir(&self.0).output().expect("openssl runs");
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// HelseNorge's signed data around these bytes, with further options; in the file `signed` too.
    pub fn signed(&self, content: &[u8], options: &str) -> Vec<u8> {
        self.signed_by("signer", content, options)
    }

    /// As [`Bench::signed`], by somebody else.
    pub fn signed_by(&self, who: &str, content: &[u8], options: &str) -> Vec<u8> {
        self.write("content", content);
        self.openssl(&format!(
            "cms -sign -binary -nodetach -outform DER -signer {who}.pem -inkey {who}.key -in content -out signed {options}"
        ));
        self.read("signed")
    }

    /// These bytes encrypted with such options, usually `-aes256 -recip recipient.pem`.
    pub fn encrypted(&self, inner: &[u8], options: &str) -> Vec<u8> {
        self.write("inner", inner);
        self.openssl(&format!("cms -encrypt -binary -outform DER -in inner -out message {options}"));
        self.read("message")
    }

    /// A message whose inside is these bytes, encrypted for the clinic as agreed.
    pub fn around(&self, message: &Message, inner: &[u8]) -> Sent {
        message.build().with_sealed_body(self.encrypted(inner, "-aes256 -recip recipient.pem"))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
