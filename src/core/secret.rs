//! A text that no log line, debug print or reply shows.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

/// A password or token.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
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
