//! Authorities that vouch for broker and database: `EXTRA_ROOTS`, as the fleet has it.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Certificates, as in the file and as the database's driver wants them.
pub(crate) struct Roots {
    pub(crate) pem: String,
    store: RootCertStore,
}

/// Of the file that `EXTRA_ROOTS` names.
///
/// # Errors
/// It cannot be read, or holds no certificate.
pub(crate) fn read() -> Result<Option<Roots>, String> {
    let Ok(path) = std::env::var("EXTRA_ROOTS") else { return Ok(None) };
    let pem = std::fs::read_to_string(&path).map_err(|error| format!("EXTRA_ROOTS: {path} cannot be read: {error}"))?;
    let mut store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let (added, _) = store.add_parsable_certificates(certificates.map_err(|error| format!("EXTRA_ROOTS: {path}: {error}"))?);
    if added == 0 {
        return Err(format!("EXTRA_ROOTS: {path} holds no certificate in PEM"));
    }
    Ok(Some(Roots { pem, store }))
}

impl Roots {
    pub(crate) fn for_database(&self) -> MakeRustlsConnect {
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("ring speaks TLS 1.2 and 1.3");
        MakeRustlsConnect::new(builder.with_root_certificates(self.store.clone()).with_no_client_auth())
    }
}
