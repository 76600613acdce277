//! hearthd

fn main() -> std::process::ExitCode {
    if std::env::args().nth(1).as_deref() == Some("model-worker") {
        return match hearthd::inference::worker::run() {
            Ok(()) => std::process::ExitCode::SUCCESS,
            Err(_) => std::process::ExitCode::from(3),
        };
    }
    std::process::ExitCode::SUCCESS
}
