//! HelseNorge's XML: read leniently by (namespace, local name), written strictly.

pub mod apprec;
pub mod dialogmelding;
pub mod hodemelding;
pub mod namespaces;
pub mod resept;
