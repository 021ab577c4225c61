//! `dialogpost migrate`.

use crate::environment::{self, Need};
use crate::failure::Failure;
use crate::out::{self, Answer};
use clap::Args;
use store::Migrated;

/// Brings the database's schema to the version of this build.
///
/// May run as often and from as many places at once as you like: one works, the others wait and find nothing to do. Needs
/// DATABASE_URL. Stop older workers first only when the release notes say so: a worker refuses a schema that it does not know.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Migrate {}

const EXAMPLES: &str = "\
Examples:
  DATABASE_URL=postgres://dialogpost:secret@localhost/dialogpost dialogpost migrate
  DATABASE_URL_FILE=/run/secrets/database_url dialogpost migrate";

impl Migrate {
    /// Does it.
    ///
    /// # Errors
    /// The database is away, or newer than this build.
    pub async fn execute(self) -> Result<Answer, Failure> {
        let pool = environment::read(&[Need::Database])?.store("dialogpost-migrate", 1);
        let migrated = out::patiently("migrating; large tables take their time", store::migrate(&pool)).await?;
        Ok(Answer { text: text(&migrated), ..Answer::default() })
    }
}

/// What was done, for people.
fn text(migrated: &Migrated) -> String {
    if migrated.applied.is_empty() {
        return format!("nothing to do: the schema is at version {}", migrated.version);
    }
    let applied: String = migrated.applied.iter().map(|name| format!("applied {name}\n")).collect();
    format!("{applied}the schema is at version {}", migrated.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_was_done() {
        assert_eq!(text(&Migrated { applied: vec![], version: 3 }), "nothing to do: the schema is at version 3");
        let two = Migrated { applied: vec!["V2__a".into(), "V3__b".into()], version: 3 };
        assert_eq!(text(&two), "applied V2__a\napplied V3__b\nthe schema is at version 3");
    }
}
