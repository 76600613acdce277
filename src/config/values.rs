//! The config's own kinds of value: a duration, a broker address, a secret, a log level.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A duration written `30s`, `1500ms`, `5m` or `2h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl Span {
    /// Reads a duration, `None` where it has no unit or is no number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = text[..unit_at].parse().ok()?;
        let milliseconds = match text[unit_at..].trim() {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        number.checked_mul(milliseconds).map(|milliseconds| Self(Duration::from_millis(milliseconds)))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is no duration; write it as 30s, 1500ms or 5m")))
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+ ?(ms|s|m|h)$", "examples": ["30s", "1500ms", "5m"] })
    }
}

/// Which broker hearthd talks to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broker {
    /// The one inside the daemon.
    Embedded,
    /// One somewhere else.
    Remote {
        /// Its host name or address.
        host: String,
        /// Its port.
        port: u16,
        /// Whether the connection is encrypted (`mqtts://`).
        tls: bool,
    },
}

impl Broker {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "embedded" {
            return Ok(Self::Embedded);
        }
        // Before anything is said of the text: it may hold a password.
        if text.contains('@') {
            return Err(
                "put user and password under mqtt.username and mqtt.password_file, not into the address".to_owned()
            );
        }
        let wrong = || format!("`{text}` is no broker; write embedded, mqtt://host:1883 or mqtts://host:8883");
        let (tls, rest) = match text.split_once("://") {
            Some(("mqtt", rest)) => (false, rest),
            Some(("mqtts", rest)) => (true, rest),
            _ => return Err(wrong()),
        };
        let rest = rest.trim_end_matches('/');
        let default_port = if tls { 8883 } else { 1883 };
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') && (!host.contains(':') || host.ends_with(']')) => {
                (host, port.parse().map_err(|_| wrong())?)
            }
            _ => (rest, default_port),
        };
        if host.is_empty() || host.contains('/') {
            return Err(wrong());
        }
        Ok(Self::Remote { host: host.to_owned(), port, tls })
    }
}

impl<'de> Deserialize<'de> for Broker {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Broker {
    fn schema_name() -> Cow<'static, str> {
        "Broker".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(embedded|mqtts?://.+)$",
            "examples": ["embedded", "mqtt://localhost:1883", "mqtts://broker.lan:8883"],
        })
    }
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Only what needs a person.
    Error,
    /// And what may.
    Warn,
    /// And what changed.
    #[default]
    Info,
    /// And what happens.
    Debug,
    /// And every step of it.
    Trace,
}

impl From<Level> for log::LevelFilter {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::Error,
            Level::Warn => Self::Warn,
            Level::Info => Self::Info,
            Level::Debug => Self::Debug,
            Level::Trace => Self::Trace,
        }
    }
}

/// Reads an address; an empty text is `None`.
pub(super) fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        D::Error::custom(format!("`{text}` is no address to listen on; write it as 127.0.0.1:8000, or \"\" for off"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(Span::parse("30s"), Some(Span(Duration::from_secs(30))));
        assert_eq!(Span::parse("1500ms"), Some(Span(Duration::from_millis(1500))));
        assert_eq!(Span::parse("5m"), Some(Span(Duration::from_mins(5))));
        for wrong in ["", "30", "s", "-1s", "1.5s", "5 weeks", "99999999999999999999s", "18446744073709551615h"] {
            assert_eq!(Span::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn brokers_are_read_with_and_without_a_port() {
        let remote = |host: &str, port, tls| Ok(Broker::Remote { host: host.to_owned(), port, tls });
        assert_eq!(Broker::parse("embedded"), Ok(Broker::Embedded));
        assert_eq!(Broker::parse("mqtt://home:1884"), remote("home", 1884, false));
        assert_eq!(Broker::parse("mqtt://home"), remote("home", 1883, false));
        assert_eq!(Broker::parse("mqtts://home/"), remote("home", 8883, true));
        assert_eq!(Broker::parse("mqtt://[::1]:1884"), remote("[::1]", 1884, false));
        assert_eq!(Broker::parse("mqtt://[::1]"), remote("[::1]", 1883, false));
        for wrong in [
            "",
            "home:1883",
            "http://home",
            "mqtt://",
            "mqtt://home:port",
            "mqtt://user:word@home",
            "tcp://user:word@home",
        ] {
            assert!(Broker::parse(wrong).is_err(), "{wrong}");
        }
    }
}
