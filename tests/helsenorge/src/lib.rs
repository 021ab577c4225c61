//! The stand-in for HelseNorge.
