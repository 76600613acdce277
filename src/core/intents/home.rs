//! The home as a file describes it: things, rooms and floors by name.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::names::{NameOf, Names};

/// A home: `{"entities": [{"name", "domain", "area"?, "state"?, "attributes"?}], "areas": […], "floors": […]}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Home {
    /// The things.
    entities: Vec<Entity>,
    /// The rooms.
    areas: Vec<String>,
    /// The floors.
    floors: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Entity {
    name: String,
    domain: String,
    #[serde(default)]
    area: Option<String>,
    #[serde(default)]
    state: Option<Value>,
    #[serde(default)]
    attributes: Map<String, Value>,
}

impl Home {
    /// The names, ready to be matched.
    #[must_use]
    pub fn names(&self) -> Names {
        let mut names = Names::default();
        for entity in &self.entities {
            let mut context = entity.attributes.clone();
            context.insert("domain".to_owned(), Value::String(entity.domain.clone()));
            context.extend(entity.area.clone().map(|area| ("area".to_owned(), Value::String(area))));
            context.extend(entity.state.clone().map(|state| ("state".to_owned(), state)));
            names.add(NameOf::Thing, &entity.name, None, context);
        }
        for (of, places) in [(NameOf::Area, &self.areas), (NameOf::Floor, &self.floors)] {
            for place in places {
                names.add(of, place, None, Map::new());
            }
        }
        names
    }
}
