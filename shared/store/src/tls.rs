//! TLS to Postgres: used when the URL's `sslmode` asks for it, and then always with the server's certificate checked.

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Trusts the public authorities, and these, in DER.
pub(crate) fn connector(authorities: &[Vec<u8>]) -> Result<MakeRustlsConnect, &'static str> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for authority in authorities {
        roots
            .add(CertificateDer::from(authority.as_slice()))
            .map_err(|_| "to be checked with a certificate of EXTRA_ROOTS that cannot be used")?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    // ring's provider supports the default versions: this cannot fail.
    #[allow(clippy::expect_used)]
    let config = builder.with_safe_default_protocol_versions().expect("ring speaks TLS 1.2 and 1.3");
    Ok(MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth()))
}
