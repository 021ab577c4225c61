//! The `helsenorge-inbound` container.

fn main() -> std::process::ExitCode {
    runtime::process::main(helsenorge_inbound::WORKER)
}
