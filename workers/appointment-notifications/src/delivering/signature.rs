//! What webhooks and receipts are signed with: `v1=` and the hexadecimal HMAC-SHA256, by the secret that both sides have, of the time in whole
//! seconds since 1970, a full stop, and the body.

use hmac::{Hmac, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

/// Names the time.
pub const TIMESTAMP: &str = "dialogpost-timestamp";
/// Holds the signature.
pub const SIGNATURE: &str = "dialogpost-signature";
/// What was signed longer ago, or so much later than now, is not taken.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// Signs a body.
pub fn sign(secret: &str, at: Timestamp, body: &[u8]) -> String {
    let tag = mac(secret, at.as_second(), body).map(|mac| mac.finalize().into_bytes()).unwrap_or_default();
    format!("v1={}", hex::encode(tag))
}

/// Whether somebody who has the secret signed this body, just now. Takes as long for a wrong signature as for the right one.
pub fn is_signed(secret: &str, timestamp: &str, signature: &str, body: &[u8], now: Timestamp) -> bool {
    let Ok(second) = timestamp.parse::<i64>() else { return false };
    let Ok(at) = Timestamp::from_second(second) else { return false };
    let Some(tag) = signature.strip_prefix("v1=").and_then(|tag| hex::decode(tag).ok()) else { return false };
    let is_fresh = now.duration_since(at).abs() <= TOLERANCE;
    is_fresh && mac(secret, second, body).is_some_and(|mac| mac.verify_slice(&tag).is_ok())
}

/// A key of any length will do, so there is always one.
fn mac(secret: &str, second: i64, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(second.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hemmelig-hemmelig";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// `printf '1800000000.{}' | openssl dgst -sha256 -hmac hemmelig-hemmelig` says the same.
    #[test]
    fn the_signature_is_the_documented_one() {
        let want = "v1=82525dc80346a3f4bc27536b31451d819c5f78b2aeb9f78271fe4131efdfb304";
        assert_eq!(sign(SECRET, at(1_800_000_000), b"{}"), want);
    }

    #[test]
    fn only_what_was_signed_just_now_with_the_secret() {
        let (then, body) = (1_800_000_000, b"{\"id\":1}");
        let good = sign(SECRET, at(then), body);
        let ok = |secret, time: &str, signature: &str, body: &[u8], now| is_signed(secret, time, signature, body, at(now));
        assert!(ok(SECRET, "1800000000", &good, body, then));
        assert!(ok(SECRET, "1800000000", &good, body, then + 300) && ok(SECRET, "1800000000", &good, body, then - 300));
        assert!(!ok(SECRET, "1800000000", &good, body, then + 301) && !ok(SECRET, "1800000000", &good, body, then - 301));
        assert!(!ok("et annet-et annet", "1800000000", &good, body, then));
        assert!(!ok(SECRET, "1800000001", &good, body, then));
        assert!(!ok(SECRET, "1800000000", &good, b"{\"id\":2}", then));
        for wrong in ["", "v1=", "v1=zz", &good[3..], &good[..good.len() - 2], "v2=00"] {
            assert!(!ok(SECRET, "1800000000", wrong, body, then), "{wrong}");
        }
        for wrong in ["", "nå", "99999999999999999999", "1800000000.0"] {
            assert!(!ok(SECRET, wrong, &good, body, then), "{wrong}");
        }
    }
}
