//! Keys, each made once a process.

use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

type Slot = Arc<OnceLock<PKey<Private>>>;

static KEYS: LazyLock<Mutex<HashMap<(String, u32), Slot>>> = LazyLock::new(Mutex::default);

/// The RSA key of this name and size: always the same in one process. `bits` is 2048, 3072 or 4096, or less for a key that
/// is too weak.
pub fn key(name: &str, bits: u32) -> PKey<Private> {
    let slot = KEYS.lock().unwrap_or_else(PoisonError::into_inner).entry((name.to_owned(), bits)).or_default().clone();
    // Two tests that need different keys make them side by side.
    slot.get_or_init(|| Rsa::generate(bits).and_then(PKey::from_rsa).expect("an RSA key")).clone()
}
