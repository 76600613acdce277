//! The `hearthd` program: arguments to exit code; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    hearthd::cli::main()
}
