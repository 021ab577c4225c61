//! The national XML schemas, as judges of what is written.
//!
//! They are not ours to distribute: `DIALOGPOST_XSD` names their directory, else `shared/reference/xsd` beside the repository. Without
//! them a proof is skipped, visibly.

#![allow(clippy::panic, reason = "test support: a document that is not valid is the end of the test")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The schemas, if they are here.
pub fn driver() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/xsd");
    let directory = std::env::var_os("DIALOGPOST_XSD").map_or_else(beside, PathBuf::from);
    let driver = directory.join("driver.xsd");
    if driver.is_file() {
        return Some(driver);
    }
    // Past the test harness's capture: a skipped proof must be seen.
    let _ = writeln!(std::io::stderr(), "SKIPPED: no schemas at {}", directory.display());
    None
}

/// Judges a document.
///
/// # Panics
/// It is not valid, or there is no xmllint.
pub fn validate(driver: &Path, name: &str, xml: &[u8]) {
    let mut command = Command::new("xmllint");
    command.args(["--nonet", "--noout", "--huge", "--schema"]).arg(driver).arg("-");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|e| panic!("xmllint ({e}): install the Debian package libxml2-utils"));
    let written = child.stdin.take().map(|mut stdin| stdin.write_all(xml));
    let output = child.wait_with_output().unwrap_or_else(|e| panic!("xmllint: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && matches!(written, Some(Ok(()))), "{name}: {said}");
}
