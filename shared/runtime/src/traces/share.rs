//! Which traces are kept.

use opentelemetry::trace::TraceId;

/// A share of all traces, from 0 to 1. Of a trace every process decides the same, by its id.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(f64);

/// Only so many bits at the end of a ledger's id are drawn for it alone (RFC 9562, section 6.2, method 2): before them stand the time and a count.
const RANDOM_BITS: u32 = 32;

impl Default for Share {
    /// All.
    fn default() -> Self {
        Self(1.0)
    }
}

impl Share {
    /// From a number such as `0.01`; `None` when it is not from 0 to 1.
    pub fn from_config(text: &str) -> Option<Self> {
        text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).map(Self)
    }

    /// Whether it takes this one.
    pub(super) fn takes(self, trace: TraceId) -> bool {
        let random = u128::from_be_bytes(trace.to_bytes()) % (1 << RANDOM_BITS);
        (random as f64) < self.0 * (1_u64 << RANDOM_BITS) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_share_is_a_number_from_0_to_1() {
        for (text, share) in [("0", Some(0.0)), ("1", Some(1.0)), ("0.25", Some(0.25)), ("1.01", None), ("-0.1", None)] {
            assert_eq!(Share::from_config(text), share.map(Share), "{text}");
        }
        for text in ["", "all", "NaN", "inf", "10%"] {
            assert_eq!(Share::from_config(text), None, "{text}");
        }
    }

    #[test]
    fn it_goes_by_the_random_bits_of_an_id() {
        let id = |last: u32| TraceId::from_bytes(((u128::MAX << RANDOM_BITS) | u128::from(last)).to_be_bytes());
        let half = 1_u32 << 31;
        for (share, last, taken) in
            [(0.0, 0, false), (0.5, 0, true), (0.5, half - 1, true), (0.5, half, false), (1.0, u32::MAX, true)]
        {
            assert_eq!(Share(share).takes(id(last)), taken, "{share} of {last:x}");
        }
    }

    #[test]
    fn of_the_ledgers_ids_it_takes_as_many_as_it_says() {
        let taken = (0..20_000).filter(|_| Share(0.1).takes(TraceId::from_bytes(Uuid::now_v7().into_bytes()))).count();
        assert!((1_700..2_300).contains(&taken), "{taken} of 20 000");
    }
}
