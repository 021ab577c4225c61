//! TLS to Postgres: used when the URL's `sslmode` asks for it.

use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

pub(crate) fn connector() -> MakeRustlsConnect {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    // ring's provider supports the default versions: this cannot fail.
    #[allow(clippy::expect_used)]
    let config = builder.with_safe_default_protocol_versions().expect("ring speaks TLS 1.2 and 1.3");
    MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth())
}
