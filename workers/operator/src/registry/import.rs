//! From files to agreements in the store.

use super::view;
use crate::certificate;
use crate::failure::Failure;
use crate::out::{Answer, Grid, clean};
use crate::setup_file;
use domain::agreement::{Agreement, reading};
use jiff::Timestamp;
use messages::wire::cppa;
use serde_json::json;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use store::agreement::Imported;
use store::{Session, StoreError};

/// What became of one file.
pub(super) struct FromFile {
    name: String,
    outcome: Result<(Agreement, Imported), Vec<Fault>>,
}

/// Where something is wrong, and what.
struct Fault {
    place: Option<String>,
    text: String,
}

/// Reads every file, then writes what has no fault, each in a transaction of its own.
pub(super) async fn all(session: &mut Session, files: &[PathBuf], actor: &str, now: Timestamp) -> Result<Vec<FromFile>, Failure> {
    let mut done = Vec::new();
    for (name, read) in files.iter().map(|file| one(file)).collect::<Vec<_>>() {
        let outcome = match read {
            Ok(agreement) => {
                let imported = write(session, &agreement, actor, now).await?;
                Ok((agreement, imported))
            }
            Err(faults) => Err(faults),
        };
        done.push(FromFile { name, outcome });
    }
    Ok(done)
}

async fn write(session: &mut Session, agreement: &Agreement, actor: &str, now: Timestamp) -> Result<Imported, StoreError> {
    let tx = session.begin().await?;
    let imported = store::agreement::import(&tx, agreement, actor, now).await?;
    tx.commit().await?;
    Ok(imported)
}

fn one(file: &Path) -> (String, Result<Agreement, Vec<Fault>>) {
    let (name, bytes) = setup_file::read(file, cppa::LIMITS.max_bytes as u64);
    let whole = |text: String| vec![Fault { place: None, text }];
    let agreement = bytes
        .map_err(|error| whole(format!("it cannot be read: {error}")))
        .and_then(|bytes| cppa::read(&bytes, &cppa::LIMITS).map_err(|error| whole(error.to_string())))
        .and_then(|document| {
            let faults = |faults: Vec<reading::AgreementFault>| {
                faults.into_iter().map(|f| Fault { place: Some(f.place), text: f.text }).collect()
            };
            reading::agreement(&document, &certificate::known).map_err(faults)
        });
    (name, agreement)
}

/// A table of what was imported, then what was not and why.
pub(super) fn answer(files: &[FromFile], now: Timestamp) -> Answer {
    let mut grid = Grid::new(["outcome"].into_iter().chain(view::COLUMNS));
    let (mut imported, mut faulty, mut said) = (Vec::new(), Vec::new(), String::new());
    for FromFile { name, outcome } in files {
        match outcome {
            Ok((agreement, outcome)) => {
                grid.row([outcome.as_str().to_owned()].into_iter().chain(view::row(agreement, now)));
                imported.push(json!({ "file": name, "outcome": outcome, "agreement": view::summary(agreement, now) }));
            }
            Err(faults) => {
                for Fault { place, text } in faults {
                    let place = place.as_ref().map(|p| format!("{p}: ")).unwrap_or_default();
                    let _ = writeln!(said, "  {}: {}", clean(name), clean(&format!("{place}{text}")));
                }
                let faults: Vec<_> = faults.iter().map(|f| json!({ "place": f.place, "text": f.text })).collect();
                faulty.push(json!({ "file": name, "faults": faults }));
            }
        }
    }
    let table = if imported.is_empty() { String::new() } else { grid.to_string() };
    let not = match faulty.len() {
        0 => String::new(),
        1 => format!("1 file has faults and was not imported:\n{said}"),
        n => format!("{n} files have faults and were not imported:\n{said}"),
    };
    Answer { text: format!("{table}{not}"), positive: faulty.is_empty(), json: json!({ "imported": imported, "faulty": faulty }) }
}
