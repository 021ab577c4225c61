//! Broken servers, killed workers, hostile input.
