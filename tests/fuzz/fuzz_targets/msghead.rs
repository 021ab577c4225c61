//! A whole message: any bytes are read or refused, and what our writer makes of a header can be read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use messages::wire::{Incoming, Limits, read};

fuzz_target!(|bytes: &[u8]| {
    let Ok(seen) = read(bytes, &Limits::default()) else { return };
    let Incoming::MsgHead(head) = seen.incoming else { return };
    let Ok(written) = head.to_xml() else { return };
    let again = read(&written, &Limits::default()).expect("what we write can be read");
    let Incoming::MsgHead(again) = again.incoming else { panic!("another root") };
    assert_eq!(again.documents.len(), head.documents.len());
    assert_eq!(again.msg_id.as_deref().map(str::trim), head.msg_id.as_deref().map(str::trim));
});
