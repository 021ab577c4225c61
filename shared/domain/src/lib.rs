//! The rules: pure, synchronous, no I/O, no clock.
