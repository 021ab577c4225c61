//! The `appointment-notifications` container.

fn main() -> std::process::ExitCode {
    runtime::process::main(appointment_notifications::WORKER)
}
