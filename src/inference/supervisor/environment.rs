//! What a worker process finds in its environment.

use std::ffi::{OsStr, OsString};

use tokio::process::Command as Process;

/// Iterations for which libgomp's threads spin before they sleep.
///
/// ggml waits for its threads at a thousand barriers a token. libgomp spins there for milliseconds, which is the fastest on
/// an idle machine and the slowest by far on a busy one: beside two busy loops on two cores, 1.2 to 1.9 tokens a second
/// instead of 30. Two daemons whose models answer at once on two cores take 12 s with 2,000 for what takes 27 s with 10,000
/// and 75 to 116 s with 50,000.
const SPINS: &str = "2000";
/// glibc's setting by which large blocks, which the weights are, may lie in huge pages where the kernel gives those only to
/// who asks (`transparent_hugepage/enabled` is `madvise`). Every token reads all weights: with 2 MiB pages there are 1.05
/// times as many tokens a second (`llama-bench`, a 1B model in `Q4_K_M` on two cores, 7 rounds).
const HUGE_PAGES: &str = "glibc.malloc.hugetlb";

/// Gives the worker the daemon's environment, without what is for the daemon alone and with what makes models fast. What
/// somebody has set stays as it is.
pub(super) fn arrange(process: &mut Process) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_no_business_of_the_workers) {
            process.env_remove(name);
        }
    }
    process.env("GOMP_SPINCOUNT", std::env::var_os("GOMP_SPINCOUNT").unwrap_or_else(|| SPINS.into()));
    process.env("GLIBC_TUNABLES", tunables(std::env::var_os("GLIBC_TUNABLES")));
}

/// Secrets, and what systemd tells the daemon alone.
fn is_no_business_of_the_workers(name: &str) -> bool {
    let secret = name.starts_with("HEARTHD__")
        && ["PASSWORD", "TOKEN", "USERNAME", "KEY"].iter().any(|word| name.contains(word));
    secret || matches!(name, "NOTIFY_SOCKET" | "WATCHDOG_USEC" | "WATCHDOG_PID" | "CREDENTIALS_DIRECTORY")
}

/// glibc's tunables with huge pages among them.
fn tunables(set: Option<OsString>) -> OsString {
    let ours = format!("{HUGE_PAGES}=1");
    match set {
        Some(set) if set.to_string_lossy().contains(HUGE_PAGES) => set,
        Some(set) if !set.is_empty() => [set.as_os_str(), OsStr::new(":"), OsStr::new(&ours)].into_iter().collect(),
        _ => ours.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_no_business_of_the_workers, tunables};

    #[test]
    fn secrets_stay_with_the_daemon() {
        for name in [
            "HEARTHD__MQTT__PASSWORD",
            "HEARTHD__HTTP__TOKEN_FILE",
            "HEARTHD__MODELS__CHAT__API_KEY_FILE",
            "NOTIFY_SOCKET",
            "CREDENTIALS_DIRECTORY",
        ] {
            assert!(is_no_business_of_the_workers(name), "{name}");
        }
        for name in ["HEARTHD__LOG__LEVEL", "PATH", "OMP_NUM_THREADS", "JOURNAL_STREAM"] {
            assert!(!is_no_business_of_the_workers(name), "{name}");
        }
    }

    #[test]
    fn huge_pages_are_asked_for_unless_somebody_decided_otherwise() {
        for (set, expected) in [
            (None, "glibc.malloc.hugetlb=1"),
            (Some(""), "glibc.malloc.hugetlb=1"),
            (Some("glibc.malloc.check=3"), "glibc.malloc.check=3:glibc.malloc.hugetlb=1"),
            (Some("glibc.malloc.hugetlb=0"), "glibc.malloc.hugetlb=0"),
        ] {
            assert_eq!(tunables(set.map(Into::into)), expected, "{set:?}");
        }
    }
}
