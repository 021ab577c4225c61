//! Authorities that vouch for broker and database: `EXTRA_ROOTS`, as the fleet has it.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// The public ones, and those of the file.
pub(crate) struct Roots {
    /// As in the file, where there is one.
    pub(crate) pem: Option<String>,
    store: RootCertStore,
}

/// Of the file that `EXTRA_ROOTS` names; without one, the public ones.
///
/// # Errors
/// It cannot be read, or holds no certificate.
pub(crate) fn read() -> Result<Roots, String> {
    let mut store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let Ok(path) = std::env::var("EXTRA_ROOTS") else { return Ok(Roots { pem: None, store }) };
    let pem = std::fs::read_to_string(&path).map_err(|error| format!("EXTRA_ROOTS: {path} cannot be read: {error}"))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let (added, _) = store.add_parsable_certificates(certificates.map_err(|error| format!("EXTRA_ROOTS: {path}: {error}"))?);
    if added == 0 {
        return Err(format!("EXTRA_ROOTS: {path} holds no certificate in PEM"));
    }
    Ok(Roots { pem: Some(pem), store })
}

impl Roots {
    pub(crate) fn for_database(&self) -> MakeRustlsConnect {
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("ring speaks TLS 1.2 and 1.3");
        MakeRustlsConnect::new(builder.with_root_certificates(self.store.clone()).with_no_client_auth())
    }
}
