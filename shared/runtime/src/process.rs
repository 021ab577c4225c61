//! A process of the fleet: configuration, logs, database, health, signals, then its workers.

use crate::clock;
use crate::config::{Config, ConfigFault};
use crate::health::{self, Health};
use crate::pipeline::Ended;
use crate::probe::Probe;
use crate::protection::Protection;
use crate::telemetry;
use crate::traces::Traces;
use crate::worker::{Context, GLANCE, LEASE, Worker};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Every message would be refused for a fault of ours.
fn nobody_trusted(config: &Config) -> String {
    let found = match &config.trust_dir {
        None => "is not set".to_owned(),
        Some(dir) => format!("{} holds no self-signed certificate of an authority (*.pem, *.crt)", dir.display()),
    };
    format!(
        "TRUST_DIR: {found}, so nobody can be trusted: name a directory that holds one (for trials without protection there is \
         PLAIN_CONTENT=accept)"
    )
}

/// From SIGTERM to exit at most this long; container runtimes usually allow 30 s.
pub const GRACE: Duration = Duration::from_secs(25);

/// Of that, how long the last spans have at the end, and the runtime.
const LAST_SPANS: Duration = Duration::from_secs(3);
const LAST_TASKS: Duration = Duration::from_secs(1);

/// The `main` of a worker's own binary.
pub fn main(worker: Worker) -> ExitCode {
    if std::env::args_os().len() > 1 {
        help(worker);
        return ExitCode::from(2);
    }
    match Config::from_env() {
        Ok(config) => serve(config, &[worker]),
        Err(faults) => {
            report(&faults);
            ExitCode::from(2)
        }
    }
}

#[allow(clippy::print_stderr)]
fn help(worker: Worker) {
    eprintln!("{}: {}\n", worker.name, worker.about);
    eprintln!(
        "Takes no arguments. Needs DATABASE_URL and AMQP_URL (or DATABASE_URL_FILE, AMQP_URL_FILE); see `dialogpost run --help`."
    );
}

/// Lists every fault of the configuration.
#[allow(clippy::print_stderr)]
pub fn report(faults: &[ConfigFault]) {
    eprintln!("The environment is not right:");
    for fault in faults {
        eprintln!("  {fault}");
    }
    eprintln!("What each variable means: dialogpost run --help");
}

/// Large blocks go back to the system when they are let go of. By default the C library keeps more and more of them the larger they get,
/// in each of its arenas: a worker that once sealed a large message would stay several times as large.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "a call into the C library that takes two numbers, made before there are other threads")]
fn let_go_of_large_blocks() {
    const LARGE: libc::c_int = 128 * 1024;
    // SAFETY: mallopt may be called at any time; what it refuses stays as it was.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
const fn let_go_of_large_blocks() {}

/// Runs workers until SIGTERM or SIGINT. Exit code 0 = stopped as asked; 1 = a worker or its surroundings failed.
pub fn serve(config: Config, workers: &[Worker]) -> ExitCode {
    serve_probed(config, workers, Probe::default())
}

/// As [`serve`], with a probe that a test kills it by.
pub fn serve_probed(config: Config, workers: &[Worker], probe: Probe) -> ExitCode {
    let_go_of_large_blocks();
    telemetry::logs(config.log_format, &config.log_filter);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "no runtime");
            return ExitCode::FAILURE;
        }
    };
    let code = match runtime.block_on(run(config, workers, probe)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            tracing::error!("{problem}");
            ExitCode::FAILURE
        }
    };
    runtime.shutdown_timeout(LAST_TASKS);
    code
}

async fn run(config: Config, workers: &[Worker], probe: Probe) -> Result<(), String> {
    let context = Context { probe, ..context(config, workers)? };
    store::require_current(&context.store).await.map_err(|e| e.to_string())?;
    if workers.iter().any(|w| w.opens_or_seals) && !context.config.plain_content && !context.protection.has_anchors() {
        return Err(nobody_trusted(&context.config));
    }
    let listen = context.config.listen;
    health::serve(listen, context.health.clone(), context.store.clone(), telemetry::metrics(), context.cancel.clone())
        .await
        .map_err(|e| format!("LISTEN: {listen} cannot be bound: {e}"))?;
    stop_on_signal(context.cancel.clone()).map_err(|e| format!("signals cannot be heard: {e}"))?;
    tracing::info!(workers = workers.iter().map(|w| w.name).collect::<Vec<_>>().join(" "), %listen, "up");
    let mut running = JoinSet::new();
    for worker in workers {
        running.spawn((worker.start)(context.clone()));
    }
    let mut failed = false;
    let ended = async {
        while let Some(ended) = running.join_next().await {
            if !matches!(ended, Ok(Ended::Stopped)) {
                failed = true;
                context.cancel.cancel();
            }
        }
    };
    let patience = GRACE - LAST_SPANS - LAST_TASKS;
    let overdue = async {
        context.cancel.cancelled().await;
        tokio::time::sleep(patience).await;
    };
    tokio::select! {
        () = ended => {}
        () = overdue => return Err(format!("still busy {} s after the signal: what is in flight will be delivered again", patience.as_secs())),
    }
    context.traces.end(LAST_SPANS).await;
    context.store.close();
    if failed { Err("a worker failed".into()) } else { Ok(()) }
}

fn context(config: Config, workers: &[Worker]) -> Result<Context, String> {
    telemetry::metrics();
    let store = Store::new(&config.store("dialogpost", (config.database_connections * workers.len()).min(100)))
        .map_err(|e| format!("DATABASE_URL: {e}"))?;
    Ok(Context {
        protection: Protection::from_config(&config, &store).map_err(|fault| fault.to_string())?,
        traces: Traces::from_config(&config, service(workers))?,
        store,
        config: Arc::new(config),
        clock: clock::system,
        cancel: CancellationToken::new(),
        health: Health::default(),
        probe: Probe::default(),
        lease: LEASE,
        glance: GLANCE,
    })
}

/// What a process is called in traces.
const fn service(workers: &[Worker]) -> &'static str {
    match workers {
        [worker] => worker.name,
        _ => "dialogpost",
    }
}

fn stop_on_signal(cancel: CancellationToken) -> std::io::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        tracing::info!("stopping");
        cancel.cancel();
    });
    Ok(())
}
