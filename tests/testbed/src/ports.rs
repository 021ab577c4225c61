//! Free ports below the ephemeral range.
//!
//! A broker on an ephemeral port loses it when it restarts: a client that reconnects meanwhile may be given that very
//! port as its own, and the broker then finds it taken.

use std::net::TcpListener;
use std::ops::Range;

use rand::Rng as _;

const FIRST: u16 = 15_000;
const LAST: u16 = 30_000;

/// `N` different ports on which nothing listens now.
pub(crate) fn free<const N: usize>() -> [u16; N] {
    let range = below(ephemeral_floor());
    let mut found = [0; N];
    let mut held = Vec::with_capacity(N);
    for slot in &mut found {
        // Held until all are found, so that none is found twice.
        let (port, listener) = (0..1_000)
            .find_map(|_| {
                let port = rand::rng().random_range(range.clone());
                // All addresses: epmd and the distribution port do not bind to the loopback alone.
                TcpListener::bind(("0.0.0.0", port)).ok().map(|listener| (port, listener))
            })
            .unwrap_or_else(|| panic!("no free port in {range:?}"));
        *slot = port;
        held.push(listener);
    }
    found
}

/// The first port the kernel gives to clients.
pub(crate) fn ephemeral_floor() -> u16 {
    std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        .unwrap_or(32_768)
}

/// The ports to choose from. A machine that gives nearly all ports to clients leaves no safe range: take the usual one.
fn below(floor: u16) -> Range<u16> {
    if floor < FIRST + 1_000 { FIRST..LAST } else { FIRST..LAST.min(floor) }
}

#[cfg(test)]
mod tests {
    use super::{below, ephemeral_floor, free};

    #[test]
    fn t2_ports_lie_below_the_ephemeral_range() {
        assert_eq!(below(32_768), 15_000..30_000);
        assert_eq!(below(20_000), 15_000..20_000);
        assert_eq!(below(1_024), 15_000..30_000, "nothing left below: the usual range");
        let ports = free::<50>();
        assert!(ports.iter().all(|port| below(ephemeral_floor()).contains(port)), "{ports:?}");
    }

    #[test]
    fn the_ports_of_one_call_differ() {
        let mut ports = free::<100>().to_vec();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 100);
    }
}
