//! What workers and servers have logged.

use e2e::Fleet;
use serde_json::Value;
use std::path::Path;

/// Every log of everybody.
pub(crate) fn all(fleet: &Fleet) -> Vec<String> {
    let mut logs = Vec::new();
    for home in [fleet.world.rabbit().directory(), fleet.world.postgres().directory()] {
        gather(home, &mut logs);
    }
    logs
}

/// What workers have said since a time (RFC 3339, UTC), in order, but for what they say of single messages.
pub(crate) fn since(fleet: &Fleet, from: &str) -> Vec<String> {
    let mut said: Vec<String> =
        all(fleet).iter().flat_map(|log| log.lines()).filter(|line| is_of_interest(line, from)).map(str::to_owned).collect();
    // Each begins with its time.
    said.sort();
    said
}

fn is_of_interest(line: &str, from: &str) -> bool {
    let Ok(line) = serde_json::from_str::<Value>(line) else { return false };
    let text = |key: &str| line[key].as_str().unwrap_or_default();
    text("timestamp") >= from && (text("level") != "INFO" || text("target") == "runtime::process")
}

/// Every log below a directory.
fn gather(directory: &Path, logs: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            // What the servers keep is theirs to keep: the database's data, the broker's queues.
            if !path.ends_with("data") && !path.ends_with("mnesia") {
                gather(&path, logs);
            }
        } else if path.extension().is_some_and(|extension| extension == "log") {
            logs.push(String::from_utf8_lossy(&std::fs::read(&path).expect("the log can be read")).into_owned());
        }
    }
}
