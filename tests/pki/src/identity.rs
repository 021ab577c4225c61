//! A certificate with its key, in the forms they come in.

use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;
use openssl::x509::X509;

/// A certificate, its private key, and the certificates above it, nearest first and the root last.
#[derive(Clone)]
pub struct Identity {
    pub(crate) certificate: X509,
    pub(crate) key: PKey<Private>,
    pub(crate) issuers: Vec<X509>,
}

impl Identity {
    /// The certificate, as DER.
    pub fn der(&self) -> Vec<u8> {
        self.certificate.to_der().expect("DER")
    }

    /// The certificate, as PEM.
    pub fn pem(&self) -> Vec<u8> {
        self.certificate.to_pem().expect("PEM")
    }

    /// The certificate and those above it but the root, as PEM.
    pub fn chain_pem(&self) -> Vec<u8> {
        let intermediates = self.issuers.iter().rev().skip(1).rev();
        std::iter::once(&self.certificate).chain(intermediates).flat_map(|c| c.to_pem().expect("PEM")).collect()
    }

    /// The private key, as unencrypted PKCS#8 PEM.
    pub fn key_pem(&self) -> Vec<u8> {
        self.key.private_key_to_pem_pkcs8().expect("PEM")
    }

    /// All of it as PKCS#12, encrypted with AES-256.
    pub fn pkcs12(&self, password: &str) -> Vec<u8> {
        let mut above = Stack::new().expect("a stack");
        for issuer in &self.issuers {
            above.push(issuer.clone()).expect("room");
        }
        let mut builder = Pkcs12::builder();
        builder.name("test").pkey(&self.key).cert(&self.certificate).ca(above);
        builder.build2(password).and_then(|p| p.to_der()).expect("PKCS#12")
    }

    /// The private key, to do with what a party should not.
    pub fn private_key(&self) -> &PKey<Private> {
        &self.key
    }

    /// The certificate, for OpenSSL.
    pub fn x509(&self) -> &X509 {
        &self.certificate
    }
}
