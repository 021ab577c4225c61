//! The `dialogpost` command.

fn main() -> std::process::ExitCode {
    operator::main()
}
