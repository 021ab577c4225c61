//! Whom we trust: files in `TRUST_DIR`.

use std::path::Path;
use trust::{Certificate, Crl, TrustAnchors};

/// What `TRUST_DIR` holds.
#[derive(Clone, Debug, Default)]
pub struct Trusted {
    /// Certificates of authorities, from `*.pem` and `*.crt`.
    pub anchors: TrustAnchors,
    /// Lists, from `*.crl`.
    pub lists: Vec<Crl>,
}

/// Reads a directory of authorities' certificates and revocation lists, each PEM or DER. Blocks.
///
/// # Errors
/// The first file that is not what its name says.
pub fn read_trust_dir(dir: &Path) -> Result<Trusted, String> {
    let mut trusted = Trusted::default();
    let entries = std::fs::read_dir(dir).map_err(|e| format!("{} cannot be read ({})", dir.display(), e.kind()))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if !["pem", "crt", "crl"].contains(&extension) {
            continue;
        }
        let wrong = |what: &str| format!("{}: {what}", path.display());
        let bytes = std::fs::read(&path).map_err(|e| wrong(&e.kind().to_string()))?;
        if extension == "crl" {
            trusted.lists.push(read_list(&bytes).ok_or_else(|| wrong("no revocation list"))?);
            continue;
        }
        for certificate in read_certificates(&bytes).ok_or_else(|| wrong("no certificate"))? {
            match certificate.is_self_issued() {
                true => trusted.anchors.roots.push(certificate),
                false => trusted.anchors.intermediates.push(certificate),
            }
        }
    }
    Ok(trusted)
}

/// Reads a revocation list, DER or PEM.
pub fn read_list(bytes: &[u8]) -> Option<Crl> {
    Crl::from_der(bytes).or_else(|_| Crl::from_pem(bytes)).ok()
}

/// At least one.
fn read_certificates(bytes: &[u8]) -> Option<Vec<Certificate>> {
    if let Ok(one) = Certificate::from_der(bytes) {
        return Some(vec![one]);
    }
    Certificate::all_from_pem(bytes).ok().filter(|all| !all.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pki::Pki;
    use std::path::PathBuf;

    fn dir(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("dialogpost-trust-dir-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn pem_and_der_are_read() {
        let pki = Pki::new("2026-07-02T12:00:00Z".parse().unwrap(), "http://crl.test", 2048);
        let dir = dir("both");
        for (name, bytes) in [
            ("root.crt", pki.root.identity().der()),
            ("other.pem", pki.other_root.identity().pem()),
            ("issuing.crt", pki.intermediate.identity().der()),
            ("issuing.crl", pki.crl()),
            ("readme.txt", b"anything".to_vec()),
        ] {
            std::fs::write(dir.join(name), bytes).unwrap();
        }
        let trusted = read_trust_dir(&dir).unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        let counts = (trusted.anchors.roots.len(), trusted.anchors.intermediates.len(), trusted.lists.len());
        assert_eq!(counts, (2, 1, 1));
    }

    #[test]
    fn a_file_that_is_not_what_its_name_says_is_named() {
        let key = Pki::new("2026-07-02T12:00:00Z".parse().unwrap(), "http://crl.test", 2048).root.identity().key_pem();
        for (name, bytes, what) in [
            ("empty.pem", Vec::new(), "no certificate"),
            ("noise.crt", vec![0x30, 0x82, 0xff], "no certificate"),
            ("key.pem", key, "no certificate"),
            ("empty.crl", Vec::new(), "no revocation list"),
        ] {
            let dir = dir(name);
            std::fs::write(dir.join(name), bytes).unwrap();
            let fault = read_trust_dir(&dir).unwrap_err();
            std::fs::remove_dir_all(&dir).unwrap();
            assert_eq!(fault, format!("{}: {what}", dir.join(name).display()));
        }
    }
}
