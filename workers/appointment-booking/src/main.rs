//! The `appointment-booking` container.

fn main() -> std::process::ExitCode {
    runtime::process::main(appointment_booking::WORKER)
}
