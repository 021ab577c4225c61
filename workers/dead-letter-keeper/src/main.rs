//! The `dead-letter-keeper` container.

fn main() -> std::process::ExitCode {
    runtime::process::main(dead_letter_keeper::WORKER)
}
