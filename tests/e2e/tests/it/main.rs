//! The fleet on real servers, one module for each worker and each whole flow.

mod smoke;
