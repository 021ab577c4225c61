//! The `ekonsultasjon-journaling` container.

fn main() -> std::process::ExitCode {
    runtime::process::main(ekonsultasjon_journaling::WORKER)
}
