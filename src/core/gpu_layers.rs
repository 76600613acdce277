//! How much of a model a GPU is to hold: read by the config, carried to the worker.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// Layers of a model kept on the GPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GpuLayers {
    /// As many as fit beside the other tier's model; none where there is no GPU.
    #[default]
    Auto,
    /// This many; more than the model has means all.
    Count(u32),
}

impl Serialize for GpuLayers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Count(count) => serializer.serialize_u32(*count),
        }
    }
}

impl<'de> Deserialize<'de> for GpuLayers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

/// What may stand in a config.
struct Written;

impl Visitor<'_> for Written {
    type Value = GpuLayers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`auto` or a number of layers")
    }

    fn visit_u64<E: de::Error>(self, count: u64) -> Result<GpuLayers, E> {
        Ok(GpuLayers::Count(u32::try_from(count).unwrap_or(u32::MAX)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<GpuLayers, E> {
        if text == "auto" { Ok(GpuLayers::Auto) } else { Err(E::invalid_value(de::Unexpected::Str(text), &self)) }
    }
}

impl JsonSchema for GpuLayers {
    fn schema_name() -> Cow<'static, str> {
        "GpuLayers".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "const": "auto" }, { "type": "integer", "minimum": 0 }], "examples": ["auto", 0, 20] })
    }
}

#[cfg(test)]
mod tests {
    use super::GpuLayers;

    #[test]
    fn auto_or_a_count_is_read_and_nothing_else() {
        let read = |text: &str| serde_yaml::from_str::<GpuLayers>(text).map_err(|error| error.to_string());
        assert_eq!(read("auto"), Ok(GpuLayers::Auto));
        assert_eq!(read("0"), Ok(GpuLayers::Count(0)));
        assert_eq!(read("99999999999"), Ok(GpuLayers::Count(u32::MAX)));
        for wrong in ["all", "-1", "1.5", "true", "[1]"] {
            assert!(read(wrong).unwrap_err().contains("`auto` or a number of layers"), "{wrong}");
        }
        for layers in [GpuLayers::Auto, GpuLayers::Count(7)] {
            let json = serde_json::to_string(&layers).unwrap();
            assert_eq!(serde_json::from_str::<GpuLayers>(&json).unwrap(), layers);
        }
    }
}
