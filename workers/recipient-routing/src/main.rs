//! The `recipient-routing` container.

fn main() -> std::process::ExitCode {
    runtime::process::main(recipient_routing::WORKER)
}
