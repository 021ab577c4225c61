//! Tests over the whole fleet.
