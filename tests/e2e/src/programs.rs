//! The fleet's real binaries, each as a process of its own.

use crate::{Fleet, NHN_EXCHANGE, WORKERS};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// How long a process may take until it is ready.
const READY: Duration = Duration::from_secs(60);

/// A running process of the fleet. Dropping it kills it; should the test process die, the testbed's watchdog does.
pub struct Program {
    name: String,
    child: Child,
    /// Port of `/healthz`, `/readyz` and `/metrics`.
    pub port: u16,
    log: PathBuf,
    pid_file: PathBuf,
}

impl Fleet {
    /// A binary of the fleet, up to date, with an empty environment.
    pub async fn program(binary: &str) -> Command {
        bare(&binaries().await.join(binary))
    }

    /// A binary of the fleet, up to date, with the environment of this world and nothing else.
    pub async fn command(&self, binary: &str) -> Command {
        let mut command = self.command_of(&binaries().await.join(binary));
        if WORKERS.iter().any(|worker| worker.name == binary) {
            command.env("DATABASE_URL", self.url_as(binary));
        }
        command
    }

    fn command_of(&self, path: &Path) -> Command {
        let mut command = bare(path);
        command.envs([
            ("DATABASE_URL", self.world.database_url.as_str()),
            ("AMQP_URL", &self.world.amqp_url),
            ("NHN_EXCHANGE", NHN_EXCHANGE),
            ("TEST_NUMBER_SERIES", "80,40"),
            ("PLAIN_CONTENT", "accept"),
        ]);
        command.envs(&self.settings);
        command
    }

    /// Starts a binary as a process of its own and waits until it is ready.
    pub async fn spawn(&self, binary: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Program {
        let program = self.launch(binary, arguments, environment).await;
        program.ready().await;
        program
    }

    /// Starts a binary as a process of its own.
    pub async fn launch(&self, binary: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Program {
        let mut command = self.command(binary).await;
        command.args(arguments).envs(environment.iter().copied());
        self.run(command, binary)
    }

    /// Starts the program that calls this once more, as a process of its own that serves as a worker under its own role, and waits until it is
    /// ready.
    pub async fn spawn_self(&self, worker: &str) -> Program {
        let program = self.launch_self(worker, &[]);
        program.ready().await;
        program
    }

    /// As [`Fleet::spawn_self`], without waiting.
    pub fn launch_self(&self, worker: &str, arguments: &[&str]) -> Program {
        let mut command = self.command_of(&std::env::current_exe().expect("this program has a path"));
        command.args(["worker", worker]).args(arguments).env("DATABASE_URL", self.url_as(worker));
        self.run(command, worker)
    }

    fn run(&self, mut command: Command, name: &str) -> Program {
        let port = free_port();
        let directory = self.world.rabbit().directory();
        // A port may be another's again later, its log not.
        let (log, pid_file) =
            (directory.join(format!("{name}-{}.log", Uuid::now_v7())), directory.join(format!("{name}-{port}.pid")));
        command.env("LISTEN", format!("127.0.0.1:{port}"));
        let stderr = std::fs::File::create(&log).expect("the log can be written");
        let child = command.stdout(Stdio::null()).stderr(stderr).process_group(0).spawn().expect("the binary starts");
        std::fs::write(&pid_file, child.id().unwrap_or_default().to_string()).expect("the process id can be written");
        Program { name: name.to_owned(), child, port, log, pid_file }
    }
}

/// With an empty environment.
fn bare(path: &Path) -> Command {
    let mut command = Command::new(path);
    command.env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command
}

impl Program {
    /// Waits until `/readyz` says yes.
    pub async fn ready(&self) {
        let started = Instant::now();
        while get(self.port, "/readyz").await.is_none_or(|(status, _)| status != 200) {
            assert!(started.elapsed() < READY, "{} is not ready after {READY:?}:\n{}", self.name, self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Its process id; none once it has ended.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// A page of its health server.
    pub async fn page(&self, path: &str) -> String {
        get(self.port, path).await.unwrap_or_else(|| panic!("{} does not serve {path}", self.name)).1
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        self.child.wait().await.expect("it can be waited for")
    }

    /// SIGKILL: it has no say.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// SIGTERM: how it ended, and how long that took.
    pub async fn terminate(mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        let pid = self.child.id().expect("it runs").to_string();
        let sent = Command::new("sh").args(["-c", "kill -s TERM -- \"$1\"", "kill", &pid]).status().await;
        assert!(sent.is_ok_and(|status| status.success()), "{} cannot be signalled", self.name);
        let ended = tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await;
        let status =
            ended.unwrap_or_else(|_| panic!("{} does not end:\n{}", self.name, self.log())).expect("it can be waited for");
        (status, started.elapsed())
    }
}

impl Drop for Program {
    /// A dead process's id may soon be another's.
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        let _ = std::fs::remove_file(&self.pid_file);
    }
}

/// The directory of the binaries, built by the first who asks.
async fn binaries() -> &'static Path {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    BUILT.get_or_init(build).await
}

async fn build() -> PathBuf {
    let test = std::env::current_exe().expect("this test has a path");
    let profile = test.ancestors().nth(2).expect("target/profile/deps/test");
    let target = profile.parent().expect("a target directory");
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let packages = WORKERS.iter().map(|worker| worker.name).chain(["operator"]);
    // With the tests, so that what they share with this program is not compiled again with other features.
    command
        .args(["build", "--quiet", "--locked", "--bins", "--tests", "-p", "e2e"])
        .args(packages.flat_map(|package| ["-p", package]));
    if !profile.ends_with("debug") {
        command.args(["--profile", profile.file_name().and_then(|name| name.to_str()).expect("a profile")]);
    }
    command.arg("--target-dir").arg(target).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    // What cargo tells this test about its package would make build scripts run again, here and at the next build.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|n| ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_"].iter().any(|of| n.starts_with(of))) {
            command.env_remove(name);
        }
    }
    let output = command.output().await.expect("cargo runs");
    assert!(output.status.success(), "the binaries cannot be built:\n{}", String::from_utf8_lossy(&output.stderr));
    profile.to_owned()
}

/// Below the range that clients' ports are taken from.
fn free_port() -> u16 {
    loop {
        let port = 20_000 + (Uuid::new_v4().as_u128() % 12_000) as u16;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Status and body, when there is an answer.
async fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}
