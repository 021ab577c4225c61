//! Our private keys: files in `KEYS_DIR`, named by the set-up file, read again when they change.

use std::collections::HashMap;
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use trust::{DecryptionKey, KeyFault, SigningKey, Zeroizing};

/// Bytes that a key file may have.
const LIMIT: u64 = 256 * 1024;

/// The keys at hand.
pub struct Keys {
    dir: Option<PathBuf>,
    password: Option<Zeroizing<String>>,
    signing: Mutex<HashMap<String, (Stamp, SigningKey)>>,
    decryption: Mutex<HashMap<String, (Stamp, DecryptionKey)>>,
}

/// Tells one state of a file from another.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp(SystemTime, u64);

/// Why a key could not be read. Says nothing of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTrouble {
    name: String,
    why: String,
}

impl fmt::Display for KeyTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {} in KEYS_DIR: {}", self.name, self.why)
    }
}

type Load<K> = fn(&[u8], &Zeroizing<Vec<u8>>, Option<&Zeroizing<String>>) -> Result<K, KeyFault>;

impl Keys {
    /// Keys below `dir`, encrypted with `password` or not.
    pub fn new(dir: Option<PathBuf>, password: Option<Zeroizing<String>>) -> Self {
        Self { dir, password, signing: Mutex::default(), decryption: Mutex::default() }
    }

    /// A key to sign with.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn signing(&self, name: &str) -> Result<SigningKey, KeyTrouble> {
        self.cached(&self.signing, name, |file, key, password| match is_pem(file) {
            true => SigningKey::from_pem(file, key, password),
            false => SigningKey::from_pkcs12(file, &password.cloned().unwrap_or_default()),
        })
    }

    /// Those of the named keys that can be read, and what is wrong with the others.
    pub fn decryption(&self, names: &[String]) -> (Vec<DecryptionKey>, Vec<KeyTrouble>) {
        let (mut keys, mut troubles) = (Vec::new(), Vec::new());
        for name in names {
            match self.decryption_key(name) {
                Ok(key) => keys.push(key),
                Err(trouble) => troubles.push(trouble),
            }
        }
        (keys, troubles)
    }

    /// A key to decrypt with.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn decryption_key(&self, name: &str) -> Result<DecryptionKey, KeyTrouble> {
        self.cached(&self.decryption, name, |file, key, password| match is_pem(file) {
            true => DecryptionKey::from_pem(file, key, password),
            false => DecryptionKey::from_pkcs12(file, &password.cloned().unwrap_or_default()),
        })
    }

    fn cached<K: Clone>(&self, cache: &Mutex<HashMap<String, (Stamp, K)>>, name: &str, load: Load<K>) -> Result<K, KeyTrouble> {
        let trouble = |why: &str| KeyTrouble { name: name.to_owned(), why: why.to_owned() };
        let dir = self.dir.as_ref().ok_or_else(|| trouble("KEYS_DIR is not set"))?;
        if !is_inside(Path::new(name)) {
            return Err(trouble("a name is a path below KEYS_DIR"));
        }
        let path = dir.join(name);
        let unreadable = |e: std::io::Error| trouble(&format!("the file cannot be read ({})", e.kind()));
        let about = std::fs::metadata(&path).map_err(unreadable)?;
        let stamp = Stamp(about.modified().map_err(unreadable)?, about.len());
        let known = || cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, key)) = known().get(name).filter(|(of, _)| *of == stamp) {
            return Ok(key.clone());
        }
        if about.len() > LIMIT {
            return Err(trouble("the file is larger than any key"));
        }
        let file = Zeroizing::new(std::fs::read(&path).map_err(unreadable)?);
        let key = load(&file, &file, self.password.as_ref()).map_err(|fault| trouble(&fault.to_string()))?;
        known().insert(name.to_owned(), (stamp, key.clone()));
        Ok(key)
    }
}

fn is_pem(file: &[u8]) -> bool {
    file.windows(11).any(|window| window == b"-----BEGIN ")
}

fn is_inside(name: &Path) -> bool {
    name.components().all(|part| matches!(part, Component::Normal(_))) && name.components().next().is_some()
}
