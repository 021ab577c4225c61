//! From a certificate to a root that we chose to trust.

use crate::certificate::Certificate;
use crate::validate::TrustAnchors;
use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509StoreContext};

/// OpenSSL's security level 2: at least 112 bits, so no RSA below 2048 and no SHA-1 anywhere in a chain.
const SECURITY_LEVEL: i32 = 2;

/// The certificate, those between, and the root; `None` when no such chain holds at `at`, in seconds since 1970. Without
/// `at` validity periods are left aside.
pub(crate) fn build(
    certificate: &Certificate,
    trust: &TrustAnchors,
    embedded: &[Certificate],
    at: Option<i64>,
) -> Option<Vec<Certificate>> {
    let chain = verify(certificate, trust, embedded, at).ok()??;
    chain.into_iter().map(|x509| Certificate::from_x509(x509).ok()).collect()
}

fn verify(
    certificate: &Certificate,
    trust: &TrustAnchors,
    embedded: &[Certificate],
    at: Option<i64>,
) -> Result<Option<Vec<X509>>, ErrorStack> {
    let mut parameters = X509VerifyParam::new()?;
    // The usual purposes are e-mail and TLS, which enterprise certificates are not for; usage is checked by its own rule.
    parameters.set_purpose(X509PurposeId::ANY)?;
    parameters.set_auth_level(SECURITY_LEVEL);
    match at {
        Some(at) => parameters.set_time(at),
        None => parameters.set_flags(X509VerifyFlags::NO_CHECK_TIME)?,
    }
    let mut store = X509StoreBuilder::new()?;
    store.set_param(&parameters)?;
    for root in &trust.roots {
        store.add_cert(root.x509().clone())?;
    }
    let mut between = Stack::new()?;
    for intermediate in trust.intermediates.iter().chain(embedded) {
        between.push(intermediate.x509().clone())?;
    }
    X509StoreContext::new()?.init(&store.build(), certificate.x509(), &between, |context| {
        let holds = context.verify_cert()?;
        Ok(context.chain().filter(|_| holds).map(|chain| chain.iter().map(ToOwned::to_owned).collect()))
    })
}
