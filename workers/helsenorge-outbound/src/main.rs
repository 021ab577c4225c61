//! The `helsenorge-outbound` container.

fn main() -> std::process::ExitCode {
    runtime::process::main(helsenorge_outbound::WORKER)
}
