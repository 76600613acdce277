//! A text that no log line, debug print or reply shows.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

const UNQUOTED: &str = "a secret must be text: put it in quotes";

/// A password or token.
#[derive(Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one place that sends or compares it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Compares in a time that does not tell how much of a guess was right.
    #[must_use]
    pub fn equals(&self, guess: &str) -> bool {
        let difference = self.0.bytes().zip(guess.bytes()).fold(0, |difference, (a, b)| difference | (a ^ b));
        self.0.len() == guess.len() && difference == 0
    }
}

impl<'de> Deserialize<'de> for Secret {
    /// Takes text only, and says of anything else that it should be quoted, never what it was.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text in quotes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret::new(text.to_owned()))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Secret, E> {
                Err(E::custom(UNQUOTED))
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Secret, E> {
                Err(E::custom(UNQUOTED))
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Secret, E> {
                Err(E::custom(UNQUOTED))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Secret, E> {
                Err(E::custom(UNQUOTED))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown_and_only_itself_is_equal() {
        let secret = Secret::new("canary".to_owned());
        assert_eq!(format!("{secret:?}"), "[redacted]");
        assert!(secret.equals("canary"));
        for guess in ["", "canar", "canary1", "Canary"] {
            assert!(!secret.equals(guess), "{guess}");
        }
    }
}
