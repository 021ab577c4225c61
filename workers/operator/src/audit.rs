//! `dialogpost audit`.

mod export;
mod verify;

use crate::cli::Format;
use crate::failure::Failure;
use crate::out::Answer;
use clap::{Args, Subcommand};

/// Verifies who did what on whose data, and tells it to whom it concerns.
///
/// What is done with rules, agreements and patients' data leaves a row each in dialogpost.audit: who, what, on whose data, why, when. The
/// rows of a clinic are a chain, and so are those that concern no single clinic (clinic 0): the hash of each covers the one before.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Audit {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Verify(verify::Verify),
    Export(export::Export),
}

const EXAMPLES: &str = "\
Examples:
  dialogpost audit verify
  dialogpost audit export 8141333 --patient --reason 'the patient asked' < number.txt

Exit codes: see each verb.";

impl Audit {
    /// How to answer.
    pub const fn format(&self) -> Format {
        match &self.verb {
            Verb::Verify(verify) => verify.format,
            Verb::Export(export) => export.format,
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// The database is away; no such clinic; no identity number was given.
    pub async fn execute(self) -> Result<Answer, Failure> {
        match self.verb {
            Verb::Verify(verify) => verify.execute().await,
            Verb::Export(export) => export.execute().await,
        }
    }
}
