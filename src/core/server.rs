//! Where a model server is: `http://host:port/v1`, taken apart once.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};

/// The address of an OpenAI-compatible server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// Whether the connection is encrypted (`https://`).
    pub tls: bool,
    /// Its name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What stands before `/chat/completions`, without a slash at its end.
    pub path: String,
}

impl ServerAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// One sentence that says how it is written.
    pub fn parse(text: &str) -> Result<Self, String> {
        // Before anything is said of the text: it may hold a password.
        if text.contains('@') {
            return Err("put the server's key into a file named by api_key_file, not into the address".to_owned());
        }
        let wrong = || format!("`{text}` is no model server; write http://host:port/v1 or https://host/v1");
        let (tls, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            _ => return Err(wrong()),
        };
        if rest.contains(['?', '#', '\\']) || rest.chars().any(|c| c.is_whitespace() || c.is_control() || !c.is_ascii())
        {
            return Err(wrong());
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let default_port = if tls { 443 } else { 80 };
        let (host, port) = match authority.strip_prefix('[') {
            Some(bracketed) => {
                let (host, port) = bracketed.split_once(']').ok_or_else(wrong)?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| wrong())?;
                (host, port.strip_prefix(':').or(port.is_empty().then_some("")).ok_or_else(wrong)?)
            }
            None => authority.split_once(':').unwrap_or((authority, "")),
        };
        let port = match port {
            "" if authority.ends_with(':') => return Err(wrong()),
            "" => default_port,
            port => port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?,
        };
        if host.is_empty() || (host.contains(':') && !authority.starts_with('[')) {
            return Err(wrong());
        }
        Ok(Self { tls, host: host.to_owned(), port, path: path.trim_end_matches('/').to_owned() })
    }

    /// Host and port as they stand in a `Host` header.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", if self.tls { "https" } else { "http" }, self.authority(), self.path)
    }
}

impl<'de> Deserialize<'de> for ServerAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for ServerAddress {
    fn schema_name() -> Cow<'static, str> {
        "ServerAddress".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^https?://.+$", "examples": ["http://192.168.1.20:8080/v1"] })
    }
}

#[cfg(test)]
mod tests {
    use super::ServerAddress;

    #[test]
    fn addresses_are_taken_apart() {
        let address = |tls, host: &str, port, path: &str| {
            Ok(ServerAddress { tls, host: host.to_owned(), port, path: path.to_owned() })
        };
        assert_eq!(ServerAddress::parse("http://box:8080/v1"), address(false, "box", 8080, "/v1"));
        assert_eq!(ServerAddress::parse("http://box/v1/"), address(false, "box", 80, "/v1"));
        assert_eq!(ServerAddress::parse("https://box"), address(true, "box", 443, ""));
        assert_eq!(ServerAddress::parse("http://[::1]:11434/v1"), address(false, "::1", 11434, "/v1"));
        assert_eq!(ServerAddress::parse("http://[::1]:9/v1").unwrap().to_string(), "http://[::1]:9/v1");
        for wrong in [
            "",
            "box:8080",
            "http://",
            "http:///v1",
            "ftp://box/v1",
            "http://box:port/v1",
            "http://box:/v1",
            "http://box:0",
            "http://box:70000",
            "http://a:b:c/v1",
            "http://[::1/v1",
            "http://[box]/v1",
            "http://[::1]8080",
            "http://box/v1?key=1",
            "http://box/v 1",
            "http://box\r\nx/v1",
            "file:///etc/passwd",
        ] {
            assert!(ServerAddress::parse(wrong).is_err(), "{wrong}");
        }
        let secret = ServerAddress::parse("http://user:canary@box/v1").unwrap_err();
        assert!(!secret.contains("canary"), "{secret}");
    }
}
