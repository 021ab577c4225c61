//! HelseNorge's own protection: what it sends is signed and encrypted, what it gets is opened.

use crate::message::Sent;
use crate::received::Received;
use messages::wire::{Incoming, Limits, read};
use trust::{Certificate, DecryptionKey, OpenFault, Policy, SigningKey, open, seal};

/// Content type of what is signed and encrypted.
pub const SEALED: &str = "application/pkcs7-mime; smime-type=signed-and-enveloped-data";

impl Sent {
    /// Signed and encrypted.
    ///
    /// # Panics
    /// When it cannot be.
    #[must_use]
    pub fn sealed(self, signer: &SigningKey, receiver: &Certificate) -> Self {
        let body = seal(self.body.to_vec(), signer, receiver).expect("it can be sealed");
        self.with_sealed_body(body)
    }

    /// With bytes that are said to be sealed.
    #[must_use]
    pub fn with_sealed_body(mut self, body: Vec<u8>) -> Self {
        self.properties.content_type = Some(SEALED.to_owned());
        self.body = body.into();
        self
    }
}

impl Received {
    /// Opens what was received.
    ///
    /// # Errors
    /// As HelseNorge would refuse it.
    pub fn opened(&self, own: &DecryptionKey, sender: &Certificate) -> Result<Self, OpenFault> {
        let opened = open(&self.body, std::slice::from_ref(own), std::slice::from_ref(sender), &Policy::default())?;
        let apprec = match read(&opened.content, &Limits::default()).map(|seen| seen.incoming) {
            Ok(Incoming::AppRec(apprec)) => Some(*apprec),
            _ => None,
        };
        Ok(Self { body: opened.content.into(), apprec, ..self.clone() })
    }
}
