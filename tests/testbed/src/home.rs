//! The directory of one server, and the watchdog that clears up after it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use std::os::unix::process::CommandExt as _;

/// Where the launch scripts live that deploy/local.sh uses as well.
const LAUNCHERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/lib");

/// What a launcher exits with when the server's binaries are not installed.
const NOT_INSTALLED: i32 = 127;

/// A directory below the temporary directory that is removed, its servers killed first, when this value is dropped
/// and equally when the process dies without dropping anything.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    launcher: PathBuf,
    watchdog: Child,
}

impl Home {
    /// Creates the directory, starts its watchdog; `launcher` is the script that runs what lives there.
    pub(crate) fn create(launcher: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dialogpost-{:016x}", rand::random::<u64>()));
        fs::create_dir(&path).unwrap_or_else(|error| panic!("cannot create {}: {error}", path.display()));
        // A process group of its own: Ctrl-C must end the tests, not the one who clears up after them.
        let watchdog = Command::new("sh")
            .args(["-c", include_str!("watchdog.sh"), "testbed-watchdog"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start the watchdog: {error}"));
        Self { path, launcher: Path::new(LAUNCHERS).join(launcher), watchdog }
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what the launcher reads: ports, names.
    pub(crate) fn write_settings(&self, settings: &str) {
        fs::write(self.path.join("settings"), settings)
            .unwrap_or_else(|error| panic!("cannot write in {}: {error}", self.path.display()));
    }

    /// A command for the launcher.
    pub(crate) fn command(&self, verb: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg(&self.launcher).arg(&self.path).arg(verb).stdin(Stdio::null());
        command
    }

    /// Runs the launcher to its end and returns what it printed.
    pub(crate) fn run(&self, verb: &str, arguments: &[&str]) -> Result<String, String> {
        let output = self.command(verb).args(arguments).output().map_err(|error| format!("cannot run sh: {error}"))?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(printed);
        }
        Err(format!("{verb} {arguments:?}: {}\n{printed}{}", output.status, String::from_utf8_lossy(&output.stderr)))
    }

    /// Starts a server that stays; what it prints goes to `VERB.log`.
    pub(crate) fn start(&self, verb: &str) -> Result<Process, String> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log(verb))
            .and_then(|log| Ok((log.try_clone()?, log)))
            .map_err(|error| format!("cannot write {}: {error}", self.log(verb).display()))?;
        let child = self
            .command(verb)
            .stdout(log.0)
            .stderr(log.1)
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot run sh: {error}"))?;
        Ok(Process { child: Mutex::new(child) })
    }

    /// The end of a server's log, for the message about its failure.
    pub(crate) fn log_tail(&self, verb: &str) -> String {
        let log = fs::read_to_string(self.log(verb)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n")
    }

    fn log(&self, verb: &str) -> PathBuf {
        self.path.join(format!("{verb}.log"))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// A running server process. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Mutex<Child>,
}

impl Process {
    /// The process id; also that of the process group.
    pub(crate) fn pid(&self) -> u32 {
        self.child().id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        self.child().try_wait().unwrap_or_else(|error| panic!("cannot wait for a server: {error}"))
    }

    /// Sends a signal by name to the server alone, which tells its own children.
    pub(crate) fn signal(&self, name: &str) {
        send(name, &self.pid().to_string());
    }

    /// Sends a signal by name to the server and all it started.
    pub(crate) fn signal_group(&self, name: &str) {
        send(name, &format!("-{}", self.pid()));
    }

    /// Waits until the process has ended.
    pub(crate) fn wait(&self, what: &str) {
        let ended = until(Duration::from_secs(60), || self.ended().is_some());
        assert!(ended, "{what} (pid {}) did not end within 60 s", self.pid());
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Sends a signal through the shell: the standard library knows only SIGKILL.
fn send(name: &str, target: &str) {
    let sent = Command::new("sh").args(["-c", "kill -s \"$1\" -- \"$2\"", "kill", name, target]).status();
    assert!(sent.is_ok_and(|status| status.success()), "cannot send SIG{name} to {target}");
}

/// Asks every 10 ms until the answer is yes; whether it came in time.
pub(crate) fn until(limit: Duration, mut ready: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if ready() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Tries up to three times: another process may take a port between our look at it and the server's.
pub(crate) fn with_fresh_ports<T>(mut start: impl FnMut() -> Result<T, Failure>) -> T {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match start() {
            Ok(server) => return server,
            Err(Failure { again: true, .. }) if attempts < 3 => {}
            Err(failure) => panic!("{}", failure.message),
        }
    }
}

/// Why a server did not start, and whether other ports may help.
pub(crate) struct Failure {
    again: bool,
    message: String,
}

impl Failure {
    /// A failure that other ports do not cure.
    pub(crate) fn lasting(message: String) -> Self {
        Self { again: false, message }
    }

    /// What to tell.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// A server that ended instead of serving.
    pub(crate) fn ended(what: &str, status: ExitStatus, log: &str) -> Self {
        Self { again: status.code() != Some(NOT_INSTALLED), message: format!("{what} did not start ({status})\n{log}") }
    }
}

/// Runs blocking work off the runtime: server handles outlive the runtime of the test that happened to come first.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => panic!("the runtime ended: {error}"),
    }
}
