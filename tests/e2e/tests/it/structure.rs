//! The shape of the workspace: who may name whom, how long a file may be, what stands at the top.

use e2e::WORKERS;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Package → its normal dependencies, workspace members and drivers alike.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |v: &Value| v["name"].as_str().unwrap().to_owned();
    let normal = |p: &Value| p["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"].is_null()).map(name).collect();
    metadata["packages"].as_array().unwrap().iter().map(|p| (name(p), normal(p))).collect()
}

#[test]
fn dependencies_point_one_way() {
    let all = dependencies();
    let members: BTreeSet<&str> = all.keys().map(String::as_str).collect();
    let drivers = ["lapin", "backoff", "tokio-postgres", "deadpool-postgres", "refinery", "openssl", "cms"];
    let workers = WORKERS.map(|worker| worker.name);
    let worker: &[&str] = &["messages", "domain", "store", "trust", "runtime"];
    let mut allowed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::from([
        ("messages", BTreeSet::new()),
        ("domain", BTreeSet::from(["messages"])),
        ("store", BTreeSet::from(["messages", "domain", "tokio-postgres", "deadpool-postgres", "refinery"])),
        ("broker", BTreeSet::from(["messages", "lapin", "backoff"])),
        ("trust", BTreeSet::from(["messages", "openssl", "cms"])),
        ("pki", BTreeSet::from(["openssl"])),
        ("runtime", BTreeSet::from(["messages", "domain", "store", "broker", "trust"])),
        ("operator", worker.iter().chain(&workers).copied().collect()),
    ]);
    allowed.extend(workers.map(|w| (w, worker.iter().copied().collect())));
    for (package, allowed) in allowed {
        let watched = all[package].iter().map(String::as_str).filter(|d| members.contains(d) || drivers.contains(d));
        for dependency in watched {
            assert!(allowed.contains(dependency), "{package} must not depend on {dependency}");
        }
    }
}

#[test]
fn the_rules_are_pure_by_manifest() {
    let impure = ["tokio", "tracing", "metrics", "rand", "futures-util", "lapin", "tokio-postgres", "reqwest"];
    let all = dependencies();
    for package in ["messages", "domain"] {
        for dependency in &all[package] {
            assert!(!impure.contains(&dependency.as_str()), "{package} must not depend on {dependency}");
        }
    }
}

#[test]
fn backoff_stands_in_one_file() {
    let users: Vec<_> =
        sources().into_iter().filter(|(_, text)| text.contains(concat!("backoff", "::"))).map(|(path, _)| path).collect();
    assert_eq!(users, [root().join("shared/broker/src/reconnect.rs")]);
}

#[test]
fn no_file_is_longer_than_400_lines() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines", path.display());
    }
}

#[test]
fn the_top_level_is_as_given() {
    let given = [
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "README.md",
        "docker-compose.yml",
        "workers",
        "shared",
        "deploy",
        "tests",
        "target",
    ];
    for entry in std::fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with('.') || given.contains(&name.as_str()), "{name} does not belong at the top");
    }
}

/// A worker is a container, watched.
#[test]
fn every_worker_is_a_container() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let (compose, prometheus) = (read("docker-compose.yml"), read("deploy/prometheus/prometheus.yml"));
    let kubernetes = read("deploy/kubernetes/kustomization.yaml");
    for worker in WORKERS.map(|worker| worker.name) {
        assert!(compose.contains(&format!("  {worker}:\n    <<: *worker\n    command: [run, {worker}]\n")), "{worker}");
        assert!(compose.contains(&format!("  {worker}-amqp: {{file: ")), "{worker}");
        assert!(prometheus.contains(&format!("          - {worker}\n")), "{worker}");
        assert!(kubernetes.contains(&format!("  - workers/{worker}\n")), "{worker}");
        assert!(
            read(&format!("deploy/kubernetes/workers/{worker}/deployment.json")).contains(&format!(r#"["run", "{worker}"]"#))
        );
    }
}

/// What the code counts, the catalogue tells of, and nothing else.
#[test]
fn every_metric_is_in_the_catalogue() {
    let mut counted = BTreeSet::new();
    let released = |path: &Path| !path.starts_with(root().join("tests")) && !path.ends_with("catalogue.rs");
    for (_, text) in sources().into_iter().filter(|(path, _)| released(path)) {
        let names = text.split("\"dialogpost_").skip(1).filter_map(|after| after.split('"').next());
        let names = names.filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        counted.extend(names.map(|name| format!("dialogpost_{name}")));
    }
    let told: BTreeSet<String> = runtime::catalogue::METRICS.iter().map(|metric| metric.name.to_owned()).collect();
    assert_eq!(counted, told);
}

/// Every Rust file of the project.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("shared"), root().join("workers"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}
