//! Why the embedded broker did not start, each with what to do about it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why the embedded broker did not start.
#[derive(Debug, Error)]
pub enum BrokerError {
    /// Somebody else listens there.
    #[error(
        "{listen} is in use: another broker runs there; point mqtt.broker at it (mqtt://{}) or set mqtt.listen to a free \
         port",
        reachable(*listen)
    )]
    InUse {
        /// The address asked for.
        listen: SocketAddr,
    },
    /// The user may not listen there.
    #[error("{listen} may not be listened on by this user; set mqtt.listen to a port above 1023")]
    NotAllowed {
        /// The address asked for.
        listen: SocketAddr,
    },
    /// The machine does not have that address.
    #[error("{listen} is not an address of this machine; set mqtt.listen to 127.0.0.1:1883 or to one that it has")]
    NotHere {
        /// The address asked for.
        listen: SocketAddr,
    },
    /// Something else is wrong with the address.
    #[error("{listen} cannot be listened on ({cause}); set mqtt.listen to another address")]
    Listen {
        /// The address asked for.
        listen: SocketAddr,
        /// What the system said.
        cause: String,
    },
    /// Retained messages and sessions cannot be kept.
    #[error("{} cannot be written ({cause}); set state_dir to a folder that hearthd may write to", folder.display())]
    State {
        /// The broker's folder.
        folder: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// Another daemon's broker keeps its messages there.
    #[error("{} is in use by another hearthd; stop it, or set state_dir to another folder", folder.display())]
    StateInUse {
        /// The broker's folder.
        folder: PathBuf,
    },
    /// Anything else.
    #[error("the embedded broker did not start: {cause}")]
    Failed {
        /// What it said.
        cause: String,
    },
}

impl BrokerError {
    pub(super) fn listen(listen: SocketAddr, cause: &io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { listen },
            io::ErrorKind::PermissionDenied => Self::NotAllowed { listen },
            io::ErrorKind::AddrNotAvailable => Self::NotHere { listen },
            _ => Self::Listen { listen, cause: cause.to_string() },
        }
    }

    pub(super) fn state(folder: &Path, cause: &io::Error) -> Self {
        Self::State { folder: folder.to_owned(), cause: cause.to_string() }
    }

    /// From what the crate says, which has no kinds and may have several lines.
    pub(super) fn crates(folder: &Path, said: &str) -> Self {
        if said.contains("already in use by another broker") {
            return Self::StateInUse { folder: folder.to_owned() };
        }
        Self::Failed { cause: said.lines().map(str::trim).collect::<Vec<_>>().join(" ") }
    }
}

/// How a client on this machine writes the address: "every interface" is nowhere to connect to.
fn reachable(listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() { SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), listen.port()) } else { listen }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(listen: &str, kind: io::ErrorKind) -> String {
        BrokerError::listen(listen.parse().unwrap(), &io::Error::from(kind)).to_string()
    }

    #[test]
    fn every_refusal_names_a_remedy() {
        assert_eq!(
            said("127.0.0.1:1883", io::ErrorKind::AddrInUse),
            "127.0.0.1:1883 is in use: another broker runs there; point mqtt.broker at it (mqtt://127.0.0.1:1883) or set \
             mqtt.listen to a free port"
        );
        assert!(said("0.0.0.0:1883", io::ErrorKind::AddrInUse).contains("mqtt://127.0.0.1:1883"));
        assert!(said("127.0.0.1:80", io::ErrorKind::PermissionDenied).contains("above 1023"));
        assert!(said("192.0.2.1:1883", io::ErrorKind::AddrNotAvailable).contains("mqtt.listen to 127.0.0.1:1883"));
        assert!(said("127.0.0.1:1883", io::ErrorKind::OutOfMemory).contains("set mqtt.listen"));
    }

    #[test]
    fn the_crates_prose_becomes_one_line() {
        let folder = Path::new("/state/broker");
        let in_use = BrokerError::crates(folder, "Storage directory /state/broker is already in use by another broker");
        assert!(in_use.to_string().contains("/state/broker is in use by another hearthd"), "{in_use}");
        let other = BrokerError::crates(folder, "Failed to bind.\n  - because\n");
        assert_eq!(other.to_string(), "the embedded broker did not start: Failed to bind. - because");
    }
}
