//! Who vouches for receivers.

use pki::Pki;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::path::PathBuf;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// The name by which receivers are called.
pub(crate) const HOST: &str = "localhost";

/// An authority that nobody trusts unless told to. Its file is removed when it is dropped.
pub struct Authority {
    acceptor: TlsAcceptor,
    root: PathBuf,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// When its certificate cannot be written.
    pub fn new() -> Self {
        let pki = Pki::new(crate::webhook::now(), "http://crl.test", 2048);
        let server = pki.server(HOST, 0x5e1);
        let chain = vec![CertificateDer::from(server.der())];
        let key = PrivateKeyDer::from_pem_slice(&server.key_pem()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("TLS");
        let config = config.with_no_client_auth().with_single_cert(chain, key).expect("a certificate with its key");
        let root = std::env::temp_dir().join(format!("dialogpost-root-{}.pem", uuid::Uuid::new_v4()));
        std::fs::write(&root, pki.root.identity().pem()).expect("the root can be written");
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), root }
    }

    /// Its own certificate, as `EXTRA_ROOTS` wants it.
    pub fn root(&self) -> String {
        self.root.display().to_string()
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.root);
    }
}
