//! The `clinic-commands` container.

fn main() -> std::process::ExitCode {
    runtime::process::main(clinic_commands::WORKER)
}
