//! What somebody writes about the home in the config: rooms, floors, sites, and what devices do not say themselves.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Area {
    /// Other names it goes by.
    pub aliases: Vec<String>,
    /// The floor it is on.
    pub floor: Option<String>,
}

/// A floor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Floor {
    /// Other names it goes by.
    pub aliases: Vec<String>,
}

/// A device, by the name it is listed under.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Device {
    /// What it is called instead.
    pub name: Option<String>,
    /// Other names it goes by.
    pub aliases: Vec<String>,
    /// The room it is in.
    pub area: Option<String>,
    /// Whether nobody may speak of it.
    pub hidden: bool,
    /// Whether it is switched on or opened after a yes alone; by what it is where this is left out.
    pub guarded: Option<bool>,
    /// Of a device that announces nothing: what it would announce, as Home Assistant writes it in YAML, with its
    /// `platform` (`switch`, `light`, …).
    pub mqtt: Map<String, Value>,
}

/// A home in somebody's words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Described {
    /// Rooms by name.
    pub areas: BTreeMap<String, Area>,
    /// Floors by name.
    pub floors: BTreeMap<String, Floor>,
    /// The rooms that sites stand in, where a site is not called after its room.
    pub sites: BTreeMap<String, String>,
    /// Devices by name.
    pub devices: BTreeMap<String, Device>,
}
