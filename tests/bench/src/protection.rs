//! Messages sealed beforehand, and what the machine's processors can do at best with private keys.

use crate::progress::bar;
use e2e::{Exchange, certificate};
use helsenorge::Sent;
use openssl::hash::MessageDigest;
use openssl::sign::Signer;
use serde::Serialize;
use std::thread::{available_parallelism, scope};
use std::time::{Duration, Instant};

/// How long signing is measured.
const MEASURED: Duration = Duration::from_secs(4);
/// Each message is decrypted, and its receipt signed.
const OPERATIONS: f64 = 2.0;

/// How the path compares with the private-key operations alone.
#[derive(Serialize)]
pub(crate) struct Protection {
    /// RSA signatures a second on all cores, nothing else running.
    private_key_ops_per_s: f64,
    /// Share of them that the path's own operations make up.
    fraction_of_ceiling: f64,
    bits: u32,
    openssl: &'static str,
}

impl Protection {
    pub(crate) fn of(exchange: &Exchange, private_key_ops_per_s: f64, msg_per_s: f64) -> Self {
        let fraction = msg_per_s * OPERATIONS / private_key_ops_per_s;
        Self {
            private_key_ops_per_s: private_key_ops_per_s.round(),
            fraction_of_ceiling: (fraction * 1000.0).round() / 1000.0,
            bits: exchange.clinic.signing.private_key().bits(),
            openssl: openssl::version::version(),
        }
    }

    /// One more line for people.
    pub(crate) fn for_people(&self) -> String {
        format!(
            "\n{:.0} % of {:.0} private-key operations a second, RSA-{}, {}",
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
    let (signer, receiver, progress) = (&signer, &receiver, &progress);
    let part = messages.len().div_ceil(cores()).max(1);
    let sealed = scope(|scope| {
        let seal_part = |part: Vec<Sent>| {
            scope.spawn(move || {
                let seal = |message: Sent| {
                    progress.inc(1);
                    message.sealed(signer, receiver)
                };
                part.into_iter().map(seal).collect::<Vec<_>>()
            })
        };
        let threads: Vec<_> = messages.chunks(part).map(|part| seal_part(part.to_vec())).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    progress.finish_and_clear();
    sealed
}
