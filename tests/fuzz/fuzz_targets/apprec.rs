//! Receipts: the bytes stand inside an AppRec, so that every input gets beyond the root.
#![no_main]

use libfuzzer_sys::fuzz_target;
use messages::wire::{Incoming, Limits, read};

fuzz_target!(|bytes: &[u8]| {
    let whole = [b"<AppRec xmlns=\"http://www.kith.no/xmlstds/apprec/2012-02-15\">", bytes, b"</AppRec>"].concat();
    if let Ok(seen) = read(&whole, &Limits::default()) {
        let Incoming::AppRec(apprec) = seen.incoming else { panic!("another root") };
        assert!(apprec.errors.len() <= bytes.len());
    }
    // Any bytes at all, too.
    let _ = read(bytes, &Limits::default());
});
