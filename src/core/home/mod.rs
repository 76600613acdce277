//! The home: its devices as they announce themselves over MQTT, what they can do, and the states they report.
//!
//! Messages come in as topics and payloads ([`House::announce`], [`House::hear`]); what goes out are devices with their
//! abilities and states ([`House::devices`]) and the messages that make one do something. Nothing here subscribes or
//! publishes. What a payload means is worked out when somebody asks, so that a flood of states costs a copy each.

mod asked;
mod availability;
pub mod colour;
pub mod described;
pub mod discovery;
mod fields;
mod filters;
mod place;
mod placing;
mod templates;
pub mod things;
pub mod wish;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use jiff::Zoned;
use serde::Serialize;
use serde_json::{Map, Value};

use asked::Asked;
use availability::Availability;
use described::Described;
use discovery::{Announcement, Entity, Key, shelly, zigbee2mqtt};
use fields::{Fields, Making};
use placing::{Placed, Placing};
use templates::Templates;
use things::{Deed, Heard, Lack, Payload, Thing};

pub use fields::{Message, Reserved};

/// Entities of a home.
const MOST_ENTITIES: usize = 20_000;
/// Bytes of a state that is kept.
const MOST_STATE_BYTES: usize = 64 * 1024;
/// What stands before the name of a device that somebody wrote down, where others have the topic of their announcement.
const WRITTEN: &str = "config: devices.";
/// Topics whose problems are kept.
const MOST_PROBLEMS: usize = 1_000;

/// Everything that is known of a home's devices.
#[derive(Debug, Default)]
pub struct House {
    reserved: Reserved,
    templates: Templates,
    devices: BTreeMap<Key, Device>,
    /// By topic that a device reports on: what was heard there last.
    payloads: HashMap<String, Option<Payload>>,
    problems: BTreeMap<String, Vec<String>>,
    heard: u64,
    described: Described,
    placing: Placing,
    groups: zigbee2mqtt::Groups,
    asked: Asked,
}

/// A device's one function: a lamp, a plug, a sensor.
#[derive(Debug)]
struct Device {
    name: String,
    area: Option<String>,
    component: String,
    class: Option<String>,
    /// Whether it is for setting the device up, not for daily use.
    is_aside: bool,
    /// Whether it stands for several others, as a bridge's group does.
    is_group: bool,
    thing: Thing,
    availability: Availability,
    /// How long what it says stands for how it is, where it says so.
    lasts: Option<Duration>,
    /// The physical device that it is a part of.
    unit: Option<Unit>,
}

/// Whether a device's last report can be taken for how it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Fresh,
    /// It cannot be reached.
    Offline,
    /// It is silent for longer than it says that its reports last.
    Stale(Duration),
}

/// A physical device, which may have several functions.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unit {
    id: String,
    name: Option<String>,
}

/// A device as people see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen {
    /// What it is called.
    pub name: String,
    /// Other names that it goes by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The room it is in, where that is known.
    pub area: Option<String>,
    /// Whether nobody may speak of it.
    pub hidden: bool,
    /// Whether it is switched on or opened after a yes alone.
    pub guarded: bool,
    /// What it is: `light`, `switch`, …
    pub kind: String,
    /// Home Assistant's device class: `window`, `temperature`, …
    pub class: Option<String>,
    /// What it can be made to do.
    pub can: Vec<String>,
    /// Its state; `None` where nothing was heard.
    pub state: Option<String>,
    /// Whether it can be reached; `None` where nothing tells.
    pub online: Option<bool>,
    /// Whether it serves to set up a device, or to tell how that is.
    pub diagnostic: bool,
    /// The topic of its announcement.
    pub source: String,
    /// What is unclear, and how to mend it.
    pub unclear: Vec<String>,
}

impl House {
    /// An empty home; devices may not name these topics for their commands.
    #[must_use]
    pub fn new(reserved: Reserved) -> Self {
        Self { reserved, ..Self::default() }
    }

    /// Takes somebody's words about the home in the place of those before. Devices that announce nothing are there at once.
    pub fn describe(&mut self, described: Described) -> Vec<String> {
        let mut topics = Vec::new();
        self.devices.retain(|key, _| !key.topic.starts_with(WRITTEN));
        self.problems.retain(|topic, _| !topic.starts_with(WRITTEN));
        for (name, device) in described.devices.iter().filter(|(_, device)| !device.mqtt.is_empty()) {
            let mut config = device.mqtt.clone();
            let key = Key { topic: format!("{WRITTEN}{name}"), part: None };
            let Some(Value::String(component)) = config.remove("platform") else {
                self.note(&key.topic, vec!["`platform` must say what it is: switch, light, …".to_owned()]);
                continue;
            };
            config.insert("name".to_owned(), Value::String(name.clone()));
            topics.extend(self.add(key, &Entity { component, config }));
        }
        self.described = described;
        topics
    }

    /// Every topic that devices report on.
    #[must_use]
    pub fn topics(&self) -> Vec<String> {
        self.payloads.keys().cloned().collect()
    }

    /// How many devices may be spoken of.
    #[must_use]
    pub fn spoken_of_count(&self) -> usize {
        self.placing.by_key.values().filter(|placed| !placed.is_hidden).count()
    }

    /// Reads an announcement; returns the topics to listen to that nobody listened to before.
    pub fn announce(&mut self, topic: &str, payload: &[u8]) -> Vec<String> {
        self.problems.remove(topic);
        let announcements = match discovery::read(topic, payload) {
            Ok(announcements) => announcements,
            Err(problem) => {
                self.note(topic, vec![problem]);
                return Vec::new();
            }
        };
        let of_groups = self.groups.learn(topic, &announcements);
        let mut topics = self.take(topic, announcements);
        if let Some((topic, announcements)) = of_groups {
            topics.extend(self.take(&topic, announcements));
        }
        topics
    }

    /// Takes what a topic announces in the place of what it announced before.
    fn take(&mut self, topic: &str, announcements: Vec<Announcement>) -> Vec<String> {
        // A device's message says all that the device has.
        let named: HashSet<&Key> = announcements.iter().filter_map(Announcement::key).collect();
        let of_topic = Key { topic: topic.to_owned(), part: None };
        let known = self.devices.range(of_topic..).take_while(|(key, _)| key.topic == topic);
        let gone: Vec<Key> = known.map(|(key, _)| key.clone()).filter(|key| !named.contains(key)).collect();
        for key in &gone {
            self.devices.remove(key);
        }
        let mut topics = Vec::new();
        for announcement in announcements {
            match announcement {
                Announcement::Is(key, entity) => topics.extend(self.add(key, &entity)),
                Announcement::Gone(key) => drop(self.devices.remove(&key)),
                Announcement::AllGone | Announcement::Group(_) | Announcement::Member(..) => {}
            }
        }
        topics
    }

    fn add(&mut self, key: Key, entity: &Entity) -> Vec<String> {
        let mut problems = Vec::new();
        if self.devices.len() >= MOST_ENTITIES && !self.devices.contains_key(&key) {
            self.note(&key.topic, vec![format!("there are more than {MOST_ENTITIES} devices already")]);
            return Vec::new();
        }
        let Entity { component, config } = entity;
        let mut fields = Fields::new(config, &self.reserved, &mut self.templates, &mut problems);
        let thing = Thing::read(component, &mut fields);
        let lasts = if fields.has("expire_after") { fields.number("expire_after") } else { None };
        let mut topics = Vec::new();
        match thing {
            None => {
                if things::is_known(component) && problems.is_empty() {
                    problems.push(format!("it lacks what a {component} needs, such as `command_topic`"));
                }
                self.devices.remove(&key);
            }
            Some(thing) => {
                let availability = Availability::read(config, &self.reserved, &mut self.templates, &mut problems);
                let lasts = lasts.filter(|s| *s > 0.0).and_then(|s| Duration::try_from_secs_f64(s).ok());
                let device = Device { lasts, ..Device::new(&key, component, config, thing, availability) };
                let readings = device.thing.readings().into_iter().chain(device.availability.readings());
                for reading in readings {
                    if !self.payloads.contains_key(&reading.topic) {
                        self.payloads.insert(reading.topic.clone(), None);
                        topics.push(reading.topic.clone());
                    }
                }
                self.devices.insert(key.clone(), device);
            }
        }
        if !problems.is_empty() {
            let part = key.part.map(|part| format!("{part}: ")).unwrap_or_default();
            self.note(&key.topic, problems.iter().map(|problem| format!("{part}{problem}")).collect());
        }
        topics
    }

    fn note(&mut self, topic: &str, problems: Vec<String>) {
        if self.problems.len() < MOST_PROBLEMS || self.problems.contains_key(topic) {
            self.problems.entry(topic.to_owned()).or_default().extend(problems);
        }
    }

    /// Takes what was said on a topic; what no device reports on is ignored. Returns the other topics whose states it tells.
    pub fn hear(&mut self, topic: &str, payload: &[u8]) -> Vec<String> {
        self.hear_at(topic, payload, Instant::now())
    }

    fn hear_at(&mut self, topic: &str, payload: &[u8], at: Instant) -> Vec<String> {
        self.meet(topic, payload);
        let parts = shelly::parts(topic, payload);
        for (topic, part) in &parts {
            self.hear_part(topic, part, at);
        }
        if let Some(known) = self.payloads.get_mut(topic)
            && let Ok(text) = std::str::from_utf8(payload)
            && text.len() <= MOST_STATE_BYTES
        {
            self.heard += 1;
            *known = Some(Payload { text: text.to_owned(), order: self.heard, at });
        }
        parts.into_iter().map(|(topic, _)| topic).collect()
    }

    /// Takes some fields of a state; the others are as they were.
    fn hear_part(&mut self, topic: &str, part: &Map<String, Value>, at: Instant) {
        let Some(known) = self.payloads.get_mut(topic) else { return };
        let before = known.as_ref().and_then(|payload| serde_json::from_str::<Map<String, Value>>(&payload.text).ok());
        let mut whole = before.unwrap_or_default();
        whole.extend(part.clone());
        let text = Value::Object(whole).to_string();
        if text.len() <= MOST_STATE_BYTES {
            self.heard += 1;
            *known = Some(Payload { text, order: self.heard, at });
        }
    }

    /// What was wrong with announcements, by topic.
    #[must_use]
    pub fn problems(&self) -> &BTreeMap<String, Vec<String>> {
        &self.problems
    }

    /// The devices by name. Those that say no room are placed by their names, where one contains one of these rooms, of
    /// those that other devices say, or of the usual ones.
    #[must_use]
    pub fn devices(&self, rooms: &[String], now: &Zoned) -> Vec<Seen> {
        let placing = self.placed(rooms, "");
        let heard = self.heard(now);
        let seen = |(key, device): (&Key, &Device)| Some(device.seen(key, placing.by_key.get(key)?, &heard));
        let mut devices: Vec<Seen> = self.devices.iter().filter_map(seen).collect();
        place::mark_same_names(&mut devices);
        devices.sort_by(|one, other| (&one.name, &one.source).cmp(&(&other.name, &other.source)));
        devices
    }

    /// The messages that make the device of this announcement do something.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn messages(&self, source: &str, part: Option<&str>, deed: &Deed, now: &Zoned) -> Result<Vec<Message>, Lack> {
        let key = Key { topic: source.to_owned(), part: part.map(str::to_owned) };
        let device = self.devices.get(&key).ok_or(Lack::Deed)?;
        device.thing.messages(deed, &Making { templates: &self.templates, now })
    }

    fn heard<'a>(&'a self, now: &'a Zoned) -> Heard<'a> {
        Heard { payloads: &self.payloads, until: Instant::now(), made: Making { templates: &self.templates, now } }
    }
}

impl Device {
    /// What its physical device is called among programs.
    fn unit_id(&self) -> Option<&str> {
        self.unit.as_ref().map(|unit| unit.id.as_str())
    }

    fn new(key: &Key, component: &str, config: &Map<String, Value>, thing: Thing, availability: Availability) -> Self {
        Self {
            name: place::name(key, config),
            area: place::text(config.get("device").and_then(|device| device.get("suggested_area"))),
            component: component.to_owned(),
            class: place::text(config.get("device_class")),
            is_aside: config.get("entity_category").is_some_and(Value::is_string) || place::is_of_bridge(config),
            is_group: place::is_group(config),
            thing,
            availability,
            lasts: None,
            unit: place::unit(config),
        }
    }

    /// Whether what was last heard of it can be taken for how it is.
    fn standing(&self, heard: &Heard<'_>) -> Standing {
        if self.availability.is_online(heard) == Some(false) {
            return Standing::Offline;
        }
        let ages = self.thing.readings().into_iter().filter_map(|reading| heard.age(reading));
        match (ages.min(), self.lasts) {
            (Some(age), Some(lasts)) if age > lasts => Standing::Stale(age),
            _ => Standing::Fresh,
        }
    }

    fn seen(&self, key: &Key, placed: &Placed, heard: &Heard<'_>) -> Seen {
        let mut unclear = Vec::new();
        if placed.area.is_none() && !self.is_aside && !placed.is_hidden {
            let mend = "no room: name it under `devices:` in the config, or put the room's name into the device's";
            unclear.push(mend.to_owned());
        }
        Seen {
            name: placed.name.clone(),
            aliases: placed.aliases.clone(),
            area: placed.area.clone(),
            hidden: placed.is_hidden,
            guarded: placed.is_guarded,
            kind: self.component.clone(),
            class: self.class.clone(),
            can: self.thing.abilities(),
            state: self.thing.state(heard),
            online: self.availability.is_online(heard),
            diagnostic: self.is_aside,
            source: key.to_string(),
            unclear,
        }
    }
}

#[cfg(test)]
mod tests;
