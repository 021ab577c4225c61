//! HelseNorge XML.
