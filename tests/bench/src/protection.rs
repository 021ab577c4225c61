//! Messages sealed beforehand, and what the machine's processors can do at best with private keys.

use crate::progress::bar;
use e2e::{Exchange, certificate};
use helsenorge::Sent;
use helsenorge::exchange::on_all_cores;
use openssl::hash::MessageDigest;
use openssl::sign::Signer;
use serde::Serialize;
use std::thread::{available_parallelism, scope};
use std::time::{Duration, Instant};

/// How long signing is measured.
const MEASURED: Duration = Duration::from_secs(4);
/// More than this between two measurements of one thing is not chance.
const MOST_DRIFT: f64 = 0.1;
/// Each message is decrypted, and its receipt signed.
const OPERATIONS: f64 = 2.0;

/// How the path compares with the private-key operations alone.
#[derive(Serialize)]
pub(crate) struct Protection {
    /// RSA signatures a second on all cores, nothing else of this program running: before the path was measured or after, whichever
    /// were more.
    private_key_ops_per_s: f64,
    /// By how much the two differ, as a share of the greater. Much of it means that the machine was busy with something else, and
    /// that no figure of the run holds.
    ceiling_drift: f64,
    /// Share of them that the path's own operations make up.
    fraction_of_ceiling: f64,
    bits: u32,
    openssl: &'static str,
}

impl Protection {
    /// `ceilings`: before and after.
    pub(crate) fn of(exchange: &Exchange, ceilings: [f64; 2], msg_per_s: f64) -> Self {
        let [before, after] = ceilings;
        let most = before.max(after);
        let round = |x: f64| (x * 1000.0).round() / 1000.0;
        Self {
            private_key_ops_per_s: most.round(),
            ceiling_drift: round((before - after).abs() / most),
            fraction_of_ceiling: round(msg_per_s * OPERATIONS / most),
            bits: exchange.clinic.signing.private_key().bits(),
            openssl: openssl::version::version(),
        }
    }

    /// One more line for people.
    pub(crate) fn for_people(&self) -> String {
        let busy = match self.ceiling_drift > MOST_DRIFT {
            true => format!("\nThis machine was busy: it signed {:.0} % less at one end of the run", 100.0 * self.ceiling_drift),
            false => String::new(),
        };
        format!(
            "\n{:.0} % of {:.0} private-key operations a second, RSA-{}, {}{busy}",
            100.0 * self.fraction_of_ceiling,
            self.private_key_ops_per_s,
            self.bits,
            self.openssl
        )
    }
}

fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Signatures a second with the clinic's key on all cores, by the library that the fleet uses.
pub(crate) fn ceiling(exchange: &Exchange) -> f64 {
    eprintln!("ceiling of private keys ...");
    let key = exchange.clinic.signing.private_key();
    let sign = || Signer::new(MessageDigest::sha256(), key).unwrap().sign_oneshot_to_vec(b"bench").unwrap();
    let started = Instant::now();
    let on_one_core = || {
        let mut signed = 0_u32;
        while started.elapsed() < MEASURED {
            sign();
            signed += 1;
        }
        signed
    };
    let signed: u32 = scope(|scope| {
        let threads: Vec<_> = (0..cores()).map(|_| scope.spawn(on_one_core)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    f64::from(signed) / started.elapsed().as_secs_f64()
}

/// Signs and encrypts as HelseNorge does, on all cores; the order stays.
pub(crate) fn seal(exchange: &Exchange, messages: Vec<Sent>) -> Vec<Sent> {
    let (signer, receiver) = (exchange.signer(), certificate(&exchange.clinic.encryption));
    let progress = bar("HelseNorge seals", messages.len() as u64);
    let sealed = on_all_cores(messages, |message| {
        progress.inc(1);
        message.sealed(&signer, &receiver)
    });
    progress.finish_and_clear();
    sealed
}
