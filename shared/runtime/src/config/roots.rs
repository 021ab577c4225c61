//! Authorities that vouch for servers beside the public ones: brokers', the database's, those that deliver notices.

use super::{Config, Reader};
use broker::AmqpUrl;
use reqwest::ClientBuilder;
use store::StoreConfig;
use trust::Certificate;

/// `EXTRA_ROOTS`, a file of certificates in PEM.
#[derive(Clone, Default)]
pub struct Roots {
    /// As in the file.
    pem: String,
    /// Each by itself, in DER.
    pub der: Vec<Vec<u8>>,
}

impl Roots {
    /// An HTTP client that trusts them beside the public ones.
    pub fn trusted_by(&self, client: ClientBuilder) -> ClientBuilder {
        self.der
            .iter()
            .filter_map(|der| reqwest::Certificate::from_der(der).ok())
            .fold(client, ClientBuilder::add_root_certificate)
    }

    pub(super) fn vouch_for(&self, url: AmqpUrl) -> AmqpUrl {
        match self.der.is_empty() {
            true => url,
            false => url.with_certificate_authority(&self.pem),
        }
    }
}

impl Config {
    /// How to reach the database under this name.
    pub fn store(&self, application: &str, connections: usize) -> StoreConfig {
        let (url, authorities) = (self.database_url.clone(), self.extra_roots.der.clone());
        StoreConfig { url, application: application.to_owned(), connections, authorities }
    }
}

impl Reader<'_> {
    pub(super) fn extra_roots(&mut self) -> Roots {
        let Some(path) = self.text("EXTRA_ROOTS") else { return Roots::default() };
        let fault = match std::fs::read_to_string(&path).map(|pem| (Certificate::all_from_pem(pem.as_bytes()), pem)) {
            Ok((Ok(roots), pem)) if !roots.is_empty() => {
                return Roots { pem, der: roots.iter().map(|root| root.der().to_vec()).collect() };
            }
            Ok(_) => "the file holds no certificate in PEM".to_owned(),
            Err(error) => format!("the file cannot be read ({})", error.kind()),
        };
        self.fault("EXTRA_ROOTS", fault);
        Roots::default()
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;

    #[test]
    fn a_file_that_holds_no_certificate_is_a_fault() {
        let empty = std::env::temp_dir().join(format!("dialogpost-roots-{}", std::process::id()));
        std::fs::write(&empty, "no certificate").unwrap();
        for path in ["/nowhere", empty.to_str().unwrap()] {
            let vars = [("DATABASE_URL", "postgres://u:p@h/d"), ("AMQP_URL", "amqp://u:p@h/v"), ("EXTRA_ROOTS", path)];
            let get = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
            let faults = Config::read(&get).unwrap_err();
            assert_eq!(faults.iter().map(|fault| fault.variable).collect::<Vec<_>>(), ["EXTRA_ROOTS"], "{path}");
        }
        std::fs::remove_file(empty).unwrap();
    }
}
