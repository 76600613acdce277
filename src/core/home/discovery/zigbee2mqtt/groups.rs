//! `Zigbee2MQTT`'s groups: several devices that one message reaches.
//!
//! `bridge/groups` names who is in a group; what a group can do follows from what `bridge/devices` says of its members. Both
//! messages come by themselves, in either order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Announcement, Device, base_of, bridge, feature, text, unit_id};

/// Kinds that a group is switched as, those that `Zigbee2MQTT` itself announces groups as.
const SWITCHED: [&str; 4] = ["light", "switch", "cover", "lock"];
/// Bridges, groups of one bridge, and devices of one group.
const MOST_BRIDGES: usize = 16;
const MOST_GROUPS: usize = 500;
const MOST_MEMBERS: usize = 500;

/// A group and who is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    id: u64,
    name: String,
    /// The addresses of its devices.
    members: BTreeSet<String>,
}

/// The groups of every bridge, and what their members are.
#[derive(Debug, Default)]
pub(in crate::core::home) struct Groups {
    /// By the topic that a bridge's topics begin with.
    by_base: BTreeMap<String, Bridge>,
    /// Every group as its own and its members' ids, those with the most members first.
    ids: Vec<(String, BTreeSet<String>)>,
}

#[derive(Debug, Default)]
struct Bridge {
    groups: Vec<Group>,
    /// By address: what a device can be switched as.
    exposes: BTreeMap<String, Vec<Value>>,
}

impl Groups {
    /// Takes in one of a bridge's two lists. What follows for its groups, and the topic that this is said on.
    pub(in crate::core::home) fn learn(
        &mut self,
        topic: &str,
        announcements: &[Announcement],
    ) -> Option<(String, Vec<Announcement>)> {
        let base = base_of(topic)?;
        if self.by_base.len() >= MOST_BRIDGES && !self.by_base.contains_key(base) {
            return None;
        }
        let bridge = self.by_base.entry(base.to_owned()).or_default();
        if is_groups(topic) {
            bridge.groups.clear();
        } else {
            bridge.exposes.clear();
        }
        for announcement in announcements {
            match announcement {
                Announcement::Group(group) => bridge.groups.push(group.clone()),
                Announcement::Member(address, exposes) => {
                    bridge.exposes.insert(address.clone(), exposes.clone());
                }
                _ => {}
            }
        }
        let topic = format!("{base}{GROUPS}");
        let entities = bridge.groups.iter().flat_map(|group| group.entities(base, &topic, &bridge.exposes)).collect();
        self.index();
        Some((topic, entities))
    }

    /// Every group as its own and its members' ids, those with the most members first.
    pub(in crate::core::home) fn ids(&self) -> &[(String, BTreeSet<String>)] {
        &self.ids
    }

    fn index(&mut self) {
        let ids = |base: &str, group: &Group| {
            (group.unit_id(base), group.members.iter().map(|address| unit_id(address)).collect::<BTreeSet<_>>())
        };
        let groups =
            self.by_base.iter().flat_map(|(base, bridge)| bridge.groups.iter().map(move |group| ids(base, group)));
        self.ids = groups.collect();
        self.ids.sort_by_key(|(_, members)| std::cmp::Reverse(members.len()));
    }
}

/// Where a bridge lists its groups.
pub(super) const GROUPS: &str = "/bridge/groups";

/// Whether messages on this topic list groups.
pub(super) fn is_groups(topic: &str) -> bool {
    topic.strip_suffix(GROUPS).is_some_and(|base| !base.is_empty())
}

/// Reads the list of groups.
pub(super) fn read(groups: &[Value]) -> Vec<Announcement> {
    groups.iter().take(MOST_GROUPS).filter_map(|group| Group::read(group).map(Announcement::Group)).collect()
}

/// What the device of this address can be switched as.
pub(super) fn member(device: &Device<'_>) -> Announcement {
    let switched = |expose: &&Value| text(expose, "type").is_some_and(|kind| SWITCHED.contains(&kind));
    Announcement::Member(device.id.to_owned(), device.exposes.iter().filter(switched).cloned().collect())
}

impl Group {
    fn read(group: &Value) -> Option<Self> {
        let members = group.get("members")?.as_array()?.iter().take(MOST_MEMBERS);
        Some(Self {
            id: group.get("id")?.as_u64()?,
            name: text(group, "friendly_name").filter(|name| !name.is_empty())?.to_owned(),
            members: members.filter_map(|member| text(member, "ieee_address")).map(str::to_owned).collect(),
        })
    }

    /// Its id among programs, which is the one that it is announced to Home Assistant with.
    fn unit_id(&self, base: &str) -> String {
        let encoded: String = base.encode_utf16().map(|unit| unit.to_string()).collect();
        unit_id(&format!("{encoded}_{}", self.id))
    }

    /// What a group is: one thing for each kind that its members are.
    fn entities(&self, base: &str, topic: &str, exposes: &BTreeMap<String, Vec<Value>>) -> Vec<Announcement> {
        let members = || self.members.iter().filter_map(|address| exposes.get(address)).flatten();
        let of_kind = |kind: &&str| joined(members().filter(|expose| text(expose, "type") == Some(kind)));
        let exposes: Vec<Value> = SWITCHED.iter().filter_map(of_kind).collect();
        let mut shared = bridge(base, &self.name);
        shared.insert(
            "device".to_owned(),
            json!({"identifiers": [self.unit_id(base)], "name": self.name, "model": "Group"}),
        );
        let id = self.id.to_string();
        let device = Device { id: &id, at: format!("{base}/{}", self.name), exposes: &exposes, shared };
        device.entities(topic)
    }
}

/// What several things of a kind can do together: whatever one of them can, by the names of their properties.
fn joined<'v>(mut exposes: impl Iterator<Item = &'v Value>) -> Option<Value> {
    let mut first = exposes.next()?.clone();
    // A group has no endpoints: what is `state_l1` of a device is `state` of its group.
    first.as_object_mut()?.remove("endpoint");
    let mut features: Vec<Value> = first.get("features")?.as_array()?.clone();
    for expose in exposes {
        for more in expose.get("features").and_then(Value::as_array).into_iter().flatten() {
            match features.iter_mut().find(|known| text(known, "name") == text(more, "name")) {
                None => features.push(more.clone()),
                Some(known) if text(known, "name") == Some("color_temp") => narrow(known, more),
                Some(_) => {}
            }
        }
    }
    for feature in &mut features {
        let name = feature.get("name").cloned();
        if let (Some(feature), Some(name)) = (feature.as_object_mut(), name) {
            feature.insert("property".to_owned(), name);
        }
    }
    first["features"] = Value::Array(features);
    feature(&first, "state").is_some().then_some(first)
}

/// The whites that both have.
fn narrow(known: &mut Value, more: &Value) {
    let number = |of: &Value, key: &str| of.get(key).and_then(Value::as_f64);
    let (low, high) = ("value_min", "value_max");
    if let (Some(a), Some(b)) = (number(known, low), number(more, low)) {
        known[low] = json!(a.max(b));
    }
    if let (Some(a), Some(b)) = (number(known, high), number(more, high)) {
        known[high] = json!(a.min(b));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lamp(more: &Value) -> Vec<Value> {
        let state = json!({"name": "state", "property": "state_l1", "access": 7, "value_on": "ON", "value_off": "OFF"});
        vec![json!({"type": "light", "endpoint": "l1", "features": [state, more]})]
    }

    #[test]
    fn a_group_can_what_one_of_its_members_can() {
        let mut groups = Groups::default();
        let white = |low: u64| json!({"name": "color_temp", "access": 7, "value_min": low, "value_max": 500});
        let list = json!([
            {"id": 3, "friendly_name": "hall lights", "members": [{"ieee_address": "0x1"}, {"ieee_address": "0x2"}]},
            {"id": "no number", "friendly_name": "odd", "members": []},
            {"id": 4, "friendly_name": "empty", "members": []},
        ]);
        let announced = groups.learn("z/bridge/groups", &read(list.as_array().unwrap()));
        assert_eq!(announced, Some(("z/bridge/groups".to_owned(), Vec::new())), "nothing is known of the members");
        let members =
            [("0x1", white(150)), ("0x2", white(200))].map(|(id, white)| Announcement::Member(id.into(), lamp(&white)));
        let (_, announced) = groups.learn("z/bridge/devices", &members).unwrap();
        let [Announcement::Is(key, entity)] = announced.as_slice() else { panic!("{announced:?}") };
        assert_eq!((key.topic.as_str(), entity.component.as_str()), ("z/bridge/groups", "light"));
        assert_eq!(entity.config["command_topic"], "z/hall lights/set");
        assert_eq!((&entity.config["min_mireds"], &entity.config["max_mireds"]), (&json!(200.0), &json!(500.0)));
        assert_eq!(entity.config["device"]["identifiers"][0], "zigbee2mqtt_122_3");
        assert_eq!(
            groups.ids()[0],
            ("zigbee2mqtt_122_3".into(), ["zigbee2mqtt_0x1", "zigbee2mqtt_0x2"].map(String::from).into())
        );
    }
}
