//! The life of a message, and what every worker's main calls.
