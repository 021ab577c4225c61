//! The fleet on real servers: one module for each worker, each whole flow, and what holds for all of them.

mod pipeline;
