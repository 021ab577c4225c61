//! `dialogpost schema`.

use crate::cli::Format;
use crate::failure::Failure;
use crate::out::{Answer, Grid};
use clap::Args;
use messages::command::schema::{Named, all};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Tells what a journal system sends and reads, as JSON Schema (2020-12): commands, their answer, events.
///
/// Without a name the schemas are listed. A schema is printed as it is, with --json and without.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Schema {
    /// Name of a schema, as the list gives it.
    name: Option<String>,
    /// Writes every schema to this directory, which is made if need be, as NAME.schema.json.
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "name")]
    dir: Option<PathBuf>,
    /// How to answer.
    #[command(flatten)]
    pub format: Format,
}

const EXAMPLES: &str = "\
Examples:
  dialogpost schema
  dialogpost schema StartDialog
  dialogpost schema --dir schemas

Exit codes: 0 told, or written; 2 no such schema, or it could not be written.";

impl Schema {
    /// Does it.
    ///
    /// # Errors
    /// No schema has the name; the directory cannot be written to.
    pub fn execute(self) -> Result<Answer, Failure> {
        match (&self.name, &self.dir) {
            (Some(name), _) => one(name, &all()),
            (None, Some(dir)) => written(dir, &all()),
            (None, None) => Ok(listed(&all())),
        }
    }
}

fn listed(schemas: &[Named]) -> Answer {
    let mut grid = Grid::new(["kind", "name", "about"]);
    for s in schemas {
        grid.row([s.of.as_str().to_owned(), s.name.clone(), s.about.clone()]);
    }
    let json: Vec<_> = schemas.iter().map(|s| json!({ "kind": s.of.as_str(), "name": s.name, "about": s.about })).collect();
    Answer { text: grid.to_string(), json: json!({ "schemas": json }), positive: true }
}

fn one(name: &str, schemas: &[Named]) -> Result<Answer, Failure> {
    let Some(named) = schemas.iter().find(|s| s.name == name) else {
        let names: Vec<_> = schemas.iter().map(|s| s.name.as_str()).collect();
        return Err(Failure::Usage(format!("There is no such schema. There are: {}", names.join(", "))));
    };
    Ok(Answer { text: pretty(&named.schema), json: named.schema.clone(), positive: true })
}

fn pretty(schema: &Value) -> String {
    format!("{schema:#}\n")
}

fn written(dir: &Path, schemas: &[Named]) -> Result<Answer, Failure> {
    let cannot = |path: &Path, error| Failure::Usage(format!("{} cannot be written: {error}", path.display()));
    std::fs::create_dir_all(dir).map_err(|error| cannot(dir, error))?;
    let mut grid = Grid::new(["kind", "written"]);
    let mut files = Vec::new();
    for s in schemas {
        let path = dir.join(format!("{}.schema.json", s.name));
        std::fs::write(&path, pretty(&s.schema)).map_err(|error| cannot(&path, error))?;
        grid.row([s.of.as_str().to_owned(), path.display().to_string()]);
        files.push(json!({ "kind": s.of.as_str(), "name": s.name, "file": path.display().to_string() }));
    }
    Ok(Answer { text: grid.to_string(), json: json!({ "written": files }), positive: true })
}
