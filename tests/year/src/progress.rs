//! Progress on anything that takes more than two seconds.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// A bar on a terminal, one line otherwise.
pub(crate) fn bar(what: &'static str, length: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        eprintln!("{what} ...");
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg:32} {bar:40} {pos:>7}/{len} {per_sec:>12}").unwrap();
    ProgressBar::new(length).with_style(style).with_message(what)
}
