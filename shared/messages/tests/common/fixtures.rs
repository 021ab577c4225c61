//! The messages in `tests/fixtures/wire`.

use messages::wire::{Incoming, Limits, Read, hodemelding::MsgHead, read};
use std::path::Path;

/// The bytes of a fixture.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/wire").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What the reader makes of bytes it must accept.
pub(crate) fn read_ok(bytes: &[u8]) -> Read {
    read(bytes, &Limits::default()).unwrap()
}

/// The message in bytes that must be one.
pub(crate) fn msg_head(bytes: &[u8]) -> MsgHead {
    match read_ok(bytes).incoming {
        Incoming::MsgHead(head) => *head,
        other => panic!("not a MsgHead: {other:?}"),
    }
}
