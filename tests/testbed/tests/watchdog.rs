//! However a test process ends, its servers end and their files go.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Set for the process that starts servers and dies; says how it is to die.
const END: &str = "TESTBED_VICTIM";

/// Not a test of its own: what the others start this binary for. Prints pids and directories, then ends as told.
#[tokio::test]
async fn victim() {
    let Ok(end) = std::env::var(END) else { return };
    let world = testbed::world().await;
    let mut pids = world.rabbit().pids();
    pids.extend(world.postgres().pid());
    let (rabbit, postgres) = (world.rabbit().directory(), world.postgres().directory());
    println!("\nvictim {pids:?} {} {}", rabbit.display(), postgres.display());
    assert_ne!(end, "panic", "as told");
    std::future::pending::<()>().await;
}

/// What a victim has started.
struct Victim {
    process: Child,
    pids: Vec<u32>,
    directories: Vec<PathBuf>,
}

fn victim_that_will(end: &str) -> Victim {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "victim", "--nocapture"])
        .env(END, end)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    let report = lines.find_map(|line| line.strip_prefix("victim ").map(str::to_owned)).unwrap();
    let (pids, directories) = report.strip_prefix('[').unwrap().split_once("] ").unwrap();
    let pids = pids.split(", ").map(|pid| pid.parse().unwrap()).collect();
    Victim { process, pids, directories: directories.split(' ').map(PathBuf::from).collect() }
}

/// Gone, or dead and only waiting for somebody to take notice.
fn is_gone(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('Z'))
}

/// Processes whose command line names a directory, whoever started them.
fn processes_of(directory: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    let lines = processes.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(directory.to_str().unwrap())).collect()
}

fn assert_nothing_remains(victim: &Victim) {
    let (pids, directories) = (&victim.pids, &victim.directories);
    let started = Instant::now();
    while !pids.iter().all(|&pid| is_gone(pid)) || directories.iter().any(|directory| directory.exists()) {
        assert!(started.elapsed() < Duration::from_secs(10), "still there: {pids:?} or {directories:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    // The watchdogs themselves, and children of the servers.
    while directories.iter().any(|directory| !processes_of(directory).is_empty()) {
        assert!(started.elapsed() < Duration::from_secs(10), "{directories:?} still in use");
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("all gone after {:?}", started.elapsed());
}

fn assert_all_runs(victim: &Victim) {
    assert_eq!(victim.pids.len(), 3, "broker, epmd, postgres");
    assert!(!victim.pids.iter().any(|&pid| is_gone(pid)));
    assert!(victim.directories.iter().all(|directory| directory.exists()));
}

fn signal(name: &str, target: &str) {
    assert!(Command::new("sh").args(["-c", &format!("kill -s {name} -- {target}")]).status().unwrap().success());
}

#[test]
fn a_panicking_test_leaves_nothing_behind() {
    let mut victim = victim_that_will("panic");
    assert!(!victim.process.wait().unwrap().success());
    assert_nothing_remains(&victim);
}

#[test]
fn a_killed_test_process_leaves_nothing_behind() {
    let mut victim = victim_that_will("wait");
    assert_all_runs(&victim);
    victim.process.kill().unwrap();
    victim.process.wait().unwrap();
    assert_nothing_remains(&victim);
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    let mut victim = victim_that_will("wait");
    assert_all_runs(&victim);
    // As the terminal does: to the whole foreground process group.
    signal("INT", &format!("-{}", victim.process.id()));
    victim.process.wait().unwrap();
    assert_nothing_remains(&victim);
}

#[tokio::test]
async fn dropping_private_servers_removes_them() {
    let world = testbed::private_world(false).await;
    let mut pids = world.rabbit().pids();
    pids.extend(world.postgres().pid());
    let directories = [world.rabbit().directory().to_owned(), world.postgres().directory().to_owned()];
    world.rabbit().pause().await;
    let started = Instant::now();
    drop(world);
    println!("dropped in {:?}", started.elapsed());
    assert!(pids.iter().all(|&pid| is_gone(pid)) && !directories.iter().any(|directory| directory.exists()));
}
