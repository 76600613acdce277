//! Tells systemd how the daemon is: ready, reloading, stopping, alive.
//!
//! The protocol is a datagram of `KEY=value` lines to the socket that `NOTIFY_SOCKET` names. Without that variable every
//! function does nothing, and a send that fails is logged at debug and otherwise forgotten: nothing depends on it here.
//! The environment is only read, never changed; a child process is started without these variables by who starts it
//! ([`VARIABLES`]).

use std::env;
use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::OnceLock;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The variables that speak to this process alone, not to its children.
pub const VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// How long a send may wait for systemd to read; then it is given up.
const SEND_LIMIT: Duration = Duration::from_millis(250);

/// The daemon answers utterances from now on, or does so again after [`reloading`].
pub fn ready() {
    tell("READY=1");
}

/// The daemon ends; running answers may still be finished.
pub fn stopping() {
    tell("STOPPING=1");
}

/// Config and intents are read again; [`ready`] tells the end of it.
pub fn reloading() {
    // systemd needs the moment to tell this reload from an earlier one.
    match clock_gettime(ClockId::CLOCK_MONOTONIC) {
        Ok(now) => {
            let micros = i128::from(now.tv_sec()) * 1_000_000 + i128::from(now.tv_nsec()) / 1_000;
            tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
        }
        Err(error) => log::debug!("reload not told to systemd: {error}"),
    }
}

/// One line for `systemctl status`. Line ends in it become spaces, since a line end would start another variable.
pub fn status(line: &str) {
    tell(&format!("STATUS={}", one_line(line)));
}

/// Feeds systemd's watchdog. Call it after a look at what must be alive, never from a bare timer.
pub fn watchdog() {
    tell("WATCHDOG=1");
}

/// How often to call [`watchdog`], if systemd watches this process: half the time after which it would end it.
#[must_use]
pub fn watchdog_interval() -> Option<Duration> {
    let of = |name| env::var(name).ok();
    interval(of("WATCHDOG_USEC").as_deref(), of("WATCHDOG_PID").as_deref(), std::process::id())
}

fn interval(micros: Option<&str>, pid: Option<&str>, own_pid: u32) -> Option<Duration> {
    if pid.is_some_and(|pid| pid.parse() != Ok(own_pid)) {
        return None;
    }
    let micros: u64 = micros?.parse().ok()?;
    (micros > 0).then(|| Duration::from_micros(micros) / 2)
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Where to send to, found once: the variable does not change while the process runs.
fn tell(message: &str) {
    static SYSTEMD: OnceLock<Option<Notifier>> = OnceLock::new();
    let systemd = SYSTEMD.get_or_init(|| {
        let name = env::var("NOTIFY_SOCKET").ok()?;
        Notifier::to(&name).inspect_err(|error| log::debug!("NOTIFY_SOCKET {name:?} cannot be used: {error}")).ok()
    });
    if let Some(systemd) = systemd
        && let Err(error) = systemd.send(message)
    {
        log::debug!("systemd was not told {message:?}: {error}");
    }
}

struct Notifier {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Notifier {
    fn to(name: &str) -> io::Result<Self> {
        let address = match name.strip_prefix('@') {
            Some(name) => abstract_address(name)?,
            None if name.starts_with('/') => SocketAddr::from_pathname(name)?,
            None => return Err(io::Error::new(io::ErrorKind::InvalidInput, "neither a path nor an abstract name")),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(SEND_LIMIT))?;
        Ok(Self { socket, address })
    }

    fn send(&self, message: &str) -> io::Result<()> {
        self.socket.send_to_addr(message.as_bytes(), &self.address).map(|_| ())
    }
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &str) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;

    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_name: &str) -> io::Result<SocketAddr> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const CHILD: &str = "HEARTHD_TEST_NOTIFIES";

    fn received(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    /// Run by the test below with a `NOTIFY_SOCKET`; alone it shows that every function is then a no-op.
    #[test]
    fn child_tells_everything() {
        ready();
        reloading();
        status("12 intents\nMAINPID=1");
        watchdog();
        stopping();
        if env::var_os(CHILD).is_some() {
            assert_eq!(watchdog_interval(), Some(Duration::from_secs(15)));
        }
    }

    #[test]
    fn tells_systemd_what_it_expects() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "service::notify::tests::child_tells_everything"])
            .env(CHILD, "1")
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "30000000")
            .env_remove("WATCHDOG_PID")
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));

        assert_eq!(received(&socket), "READY=1");
        let reloading = received(&socket);
        let micros = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        assert!(micros.parse::<u64>().unwrap() > 0);
        assert_eq!(received(&socket), "STATUS=12 intents MAINPID=1");
        assert_eq!(received(&socket), "WATCHDOG=1");
        assert_eq!(received(&socket), "STOPPING=1");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn finds_an_abstract_socket() {
        use std::os::linux::net::SocketAddrExt as _;

        let name = format!("hearthd-notify-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Notifier::to(&format!("@{name}")).unwrap().send("READY=1").unwrap();
        assert_eq!(received(&socket), "READY=1");
    }

    #[test]
    fn refuses_what_is_no_unix_socket() {
        assert!(Notifier::to("vsock:2:1234").is_err());
        assert!(Notifier::to("").is_err());
        assert!(Notifier::to("/nowhere/at/all").unwrap().send("READY=1").is_err());
    }

    #[test]
    fn watchdog_is_fed_twice_in_its_time_and_only_by_its_process() {
        assert_eq!(interval(Some("30000000"), Some("7"), 7), Some(Duration::from_secs(15)));
        assert_eq!(interval(Some("30000000"), None, 7), Some(Duration::from_secs(15)));
        assert_eq!(interval(Some("30000000"), Some("8"), 7), None);
        assert_eq!(interval(Some("0"), None, 7), None);
        assert_eq!(interval(Some("soon"), None, 7), None);
        assert_eq!(interval(None, None, 7), None);
    }
}
