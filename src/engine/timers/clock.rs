//! What the clocks show: the one on the wall, which may be set, and the one that runs since the machine started.

use std::sync::OnceLock;

use jiff::Zoned;

use crate::core::dialogue::timers::Stamp;

/// Both clocks, as near to one moment as can be.
pub(super) fn read() -> (Zoned, Stamp) {
    let now = Zoned::now();
    let stamp = Stamp { boot: Some(boot().to_owned()), up_ms: up_ms(), at: now.timestamp() };
    (now, stamp)
}

/// Which start of the machine this is; one of this process alone where the system has no name for it.
fn boot() -> &'static str {
    static BOOT: OnceLock<String> = OnceLock::new();
    BOOT.get_or_init(|| {
        let named = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned());
        named.unwrap_or_else(|_| ulid::Ulid::generate().to_string())
    })
}

/// Milliseconds since the machine started, sleep included: a timer goes on while a machine sleeps.
#[cfg(target_os = "linux")]
fn up_ms() -> i64 {
    use nix::time::{ClockId, clock_gettime};

    let Ok(up) = clock_gettime(ClockId::CLOCK_BOOTTIME) else { return 0 };
    up.tv_sec().saturating_mul(1_000).saturating_add(up.tv_nsec() / 1_000_000)
}

/// Milliseconds since the first reading.
#[cfg(not(target_os = "linux"))]
fn up_ms() -> i64 {
    use std::time::Instant;

    static FIRST: OnceLock<Instant> = OnceLock::new();
    i64::try_from(FIRST.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(i64::MAX)
}
