//! What is written to the patient's journal by itself (features K1, K2).

use messages::event::DialogKind;

/// Whether an entry of a dialog of this kind is journaled by itself: every eKonsultasjon (K1), nothing else (K2).
pub const fn is_journaled(kind: DialogKind) -> bool {
    match kind {
        DialogKind::EKonsultasjon => true,
        DialogKind::EKontakt | DialogKind::Reseptfornyelse | DialogKind::Timeonske => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k1_k2_only_ekonsultasjon_is_journaled() {
        let journaled: Vec<_> = DialogKind::ALL.into_iter().filter(|k| is_journaled(*k)).collect();
        assert_eq!(journaled, [DialogKind::EKonsultasjon]);
    }
}
