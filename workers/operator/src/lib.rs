//! The dialogpost command.
