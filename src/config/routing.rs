//! `routing:` – who answers what no rule knows.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::routing::{Override, Settings};

/// `routing:`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Routing {
    /// How likely it must be small talk for the small model to answer; below, the large one does.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub confidence: f32,
    /// Phrases whose sentences a certain model answers. Commands are not understood all the same.
    pub overrides: Vec<RoutingOverride>,
}

impl Default for Routing {
    fn default() -> Self {
        Self { confidence: Settings::CONFIDENCE, overrides: Vec::new() }
    }
}

/// An item of `routing.overrides:`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoutingOverride {
    /// Whole words that stand side by side in the sentence.
    pub phrase: String,
    /// Which model answers.
    pub tier: Answers,
}

/// A model, by its tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answers {
    /// The small one.
    Chat,
    /// The large one.
    Explain,
}

impl Routing {
    /// The same for the router.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let overrides = self.overrides.iter().map(|this| Override::new(&this.phrase, this.tier == Answers::Explain));
        Settings { confidence: self.confidence, overrides: overrides.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_the_routers_own_default() {
        let read = |text| serde_yaml::from_str::<Routing>(text).map(|routing| routing.settings());
        assert_eq!(read("{}").unwrap(), Settings::default());
        let overrides = vec![Override::new("word of the day", true), Override::new("the moon", false)];
        let wanted = Settings { confidence: 0.75, overrides };
        let text = "{confidence: 0.75, overrides: [{phrase: Word of the day?, tier: explain}, {phrase: the moon, tier: chat}]}";
        assert_eq!(read(text).unwrap(), wanted);
        assert!(read("overrides: [{phrase: x, tier: intent}]").is_err());
    }
}
