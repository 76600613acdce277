//! What each device is called and where it stands, and the names of the home that follow from it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value, json};

use crate::core::intents::{self, NameOf, Names};

use super::described::Described;
use super::discovery::{Key, zigbee2mqtt};
use super::place::{Rooms, folded};
use super::things::{Choice, Setting};
use super::{Device, House, wish};

/// Rooms that are known without anybody saying so, where a device's name has one in it.
const USUAL_ROOMS: [&str; 40] = [
    "attic",
    "balcony",
    "basement",
    "bathroom",
    "bedroom",
    "cellar",
    "children's room",
    "conservatory",
    "corridor",
    "dining room",
    "driveway",
    "garage",
    "garden",
    "guest room",
    "hall",
    "hallway",
    "kids room",
    "kitchen",
    "landing",
    "laundry room",
    "library",
    "living room",
    "loft",
    "lounge",
    "nursery",
    "office",
    "pantry",
    "patio",
    "playroom",
    "porch",
    "shed",
    "stairs",
    "study",
    "terrace",
    "toilet",
    "utility room",
    "veranda",
    "wardrobe",
    "winter garden",
    "workshop",
];
/// Words that alone are no name: "the lights" are all of a room.
const PLAIN_WORDS: [&str; 37] = [
    "battery",
    "blind",
    "blinds",
    "bulb",
    "bulbs",
    "climate",
    "cover",
    "curtain",
    "curtains",
    "device",
    "door",
    "doors",
    "fan",
    "fans",
    "humidity",
    "lamp",
    "lamps",
    "light",
    "lights",
    "lock",
    "motion",
    "outlet",
    "plug",
    "plugs",
    "power",
    "radiator",
    "sensor",
    "shade",
    "shades",
    "shutter",
    "shutters",
    "socket",
    "switch",
    "temperature",
    "thermostat",
    "window",
    "windows",
];
/// Kinds that a device is called after, where it has one of them.
const MAIN: [&str; 14] = [
    "light",
    "switch",
    "siren",
    "fan",
    "humidifier",
    "cover",
    "valve",
    "lock",
    "climate",
    "vacuum",
    "lawn_mower",
    "media_player",
    "scene",
    "button",
];

/// Where a device stands and what it is called.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Placed {
    /// As it is listed.
    pub(super) name: String,
    /// As it is spoken of in an answer.
    pub(super) spoken: String,
    pub(super) aliases: Vec<String>,
    pub(super) area: Option<String>,
    pub(super) floor: Option<String>,
    /// Whether nobody may speak of it.
    pub(super) is_hidden: bool,
    pub(super) is_guarded: bool,
}

/// What is made of announcements and somebody's words together.
#[derive(Debug, Default)]
pub(super) struct Placing {
    pub(super) by_key: BTreeMap<Key, Placed>,
    /// The keys as they are written, which is how a sentence's value names one.
    ids: HashMap<String, Key>,
    /// The home's rooms as they are written, by how they are compared.
    rooms: HashMap<String, String>,
}

impl Placing {
    /// The key that is written so.
    pub(super) fn key(&self, id: &str) -> Option<&Key> {
        self.ids.get(id)
    }

    /// A room as it is written.
    pub(super) fn room(&self, name: &str) -> Option<&str> {
        self.rooms.get(&folded(name)).map(String::as_str)
    }
}

impl House {
    /// Places every device anew, among these rooms and those that are said and usual, and returns the home's names. Needed
    /// after announcements, and after other words about the home.
    pub fn settle(&mut self, rooms: &[String], lang: &str) -> Names {
        self.forget_topics();
        self.placing = self.placed(rooms, lang);
        self.names(lang)
    }

    /// Forgets what was heard on topics of devices that are gone.
    fn forget_topics(&mut self) {
        let readings = self
            .devices
            .values()
            .flat_map(|device| device.thing.readings().into_iter().chain(device.availability.readings()));
        let used: HashSet<String> = readings.map(|reading| reading.topic.clone()).collect();
        self.payloads.retain(|topic, _| used.contains(topic));
    }

    pub(super) fn placed(&self, rooms: &[String], lang: &str) -> Placing {
        let described = &self.described;
        let said = self.devices.values().filter_map(|device| device.area.as_ref());
        let said = said.chain(described.devices.values().filter_map(|device| device.area.as_ref()));
        let known: Vec<&String> = described.areas.keys().chain(rooms).chain(said).collect();
        let mut spelled: HashMap<String, String> = HashMap::new();
        for room in known {
            spelled.entry(folded(room)).or_insert_with(|| room.clone());
        }
        let usual = USUAL_ROOMS.iter().filter(|room| !spelled.contains_key(&folded(room)));
        let aliases =
            described.areas.iter().flat_map(|(room, area)| area.aliases.iter().map(move |alias| (alias, room)));
        let of_alias: HashMap<String, String> = aliases.map(|(alias, room)| (folded(alias), room.clone())).collect();
        let all = spelled.values().chain(described.areas.values().flat_map(|area| &area.aliases)).cloned();
        let rooms = Rooms::new(all.chain(usual.map(|room| (*room).to_owned())));
        let mut placing = Placing::default();
        // What Zigbee2MQTT tells Home Assistant as well is there once.
        let is_listed = |key: &Key| zigbee2mqtt::announces(&key.topic);
        let ids = self.devices.iter().filter(|(key, _)| !is_listed(key)).filter_map(|(_, device)| device.unit_id());
        let announced: HashSet<&str> = ids.collect();
        for (key, device) in &self.devices {
            if is_listed(key) && device.unit_id().is_some_and(|id| announced.contains(id)) {
                continue;
            }
            let mut placed = Placed::new(device, described, &rooms, lang);
            placed.area = placed.area.map(|area| {
                let words = folded(&area);
                of_alias.get(&words).or_else(|| spelled.get(&words)).cloned().unwrap_or(area)
            });
            let area = placed.area.as_ref().and_then(|area| described.areas.get(area));
            placed.floor = area.and_then(|area| area.floor.clone());
            placing.rooms.extend(placed.area.iter().map(|area| (folded(area), area.clone())));
            placing.by_key.insert(key.clone(), placed);
        }
        placing.ids = placing.by_key.keys().map(|key| (key.to_string(), key.clone())).collect();
        self.guard_groups(&mut placing);
        placing.rooms.extend(described.areas.keys().map(|area| (folded(area), area.clone())));
        placing.rooms.extend(of_alias);
        placing
    }

    /// A group is guarded where one of its members is.
    fn guard_groups(&self, placing: &mut Placing) {
        let unit = |key: &Key| self.devices.get(key).and_then(Device::unit_id);
        let guarded = placing.by_key.iter().filter(|(_, placed)| placed.is_guarded);
        let guarded: HashSet<&str> = guarded.filter_map(|(key, _)| unit(key)).collect();
        let groups = self.groups.ids().iter();
        let groups = groups.filter(|(_, members)| members.iter().any(|member| guarded.contains(member.as_str())));
        let groups: HashSet<&str> = groups.map(|(group, _)| group.as_str()).collect();
        for (key, placed) in &mut placing.by_key {
            placed.is_guarded |= unit(key).is_some_and(|unit| groups.contains(unit));
        }
    }

    /// The room that somebody is in who speaks at this site.
    #[must_use]
    pub fn area_of_site<'a>(&'a self, site: &'a str) -> &'a str {
        self.described.sites.get(site).map(String::as_str).or_else(|| self.placing.room(site)).unwrap_or(site)
    }

    fn names(&self, lang: &str) -> Names {
        let mut names = Names::of_home(if self.devices.is_empty() { &[] } else { &wish::INTENTS });
        let rooms: BTreeSet<&String> = self.placing.rooms.values().collect();
        for room in rooms {
            let aliases = self.described.areas.get(room).map(|area| area.aliases.as_slice()).unwrap_or_default();
            add(&mut names, NameOf::Area, room, aliases, &Map::new());
        }
        let floors = self.described.areas.values().filter_map(|area| area.floor.as_ref());
        let floors: BTreeSet<&String> = self.described.floors.keys().chain(floors).collect();
        for floor in floors {
            let aliases = self.described.floors.get(floor).map(|floor| floor.aliases.as_slice()).unwrap_or_default();
            add(&mut names, NameOf::Floor, floor, aliases, &Map::new());
        }
        let mut of_device: BTreeMap<&str, Vec<(&Key, &Device, &Placed)>> = BTreeMap::new();
        for (key, placed) in &self.placing.by_key {
            let Some(device) = self.devices.get(key).filter(|device| !device.is_aside && !placed.is_hidden) else {
                continue;
            };
            let aliases: Vec<String> = placed.aliases.iter().cloned().chain(placed.without_room()).collect();
            add(&mut names, NameOf::Thing, &placed.name, &aliases, &known(&key.to_string(), device, placed));
            for (setting, slot) in Setting::SLOTS {
                let options = device.thing.offers(setting).into_iter().flat_map(Choice::options);
                for option in options {
                    names.offer(slot, option, lang);
                }
            }
            if let Some(unit) = &device.unit {
                of_device.entry(unit.id.as_str()).or_default().push((key, device, placed));
            }
        }
        for parts in of_device.values() {
            name_device(&mut names, parts);
        }
        names
    }

    /// The entities of the physical device that an entity is a part of, itself among them.
    pub(super) fn unit_of<'a>(&'a self, key: &'a Key) -> impl Iterator<Item = (&'a Key, &'a Device)> {
        let unit = self.devices.get(key).and_then(|device| device.unit.as_ref()).map(|unit| unit.id.as_str());
        self.devices.iter().filter(move |(other, device)| {
            *other == key || (unit.is_some() && device.unit.as_ref().map(|unit| unit.id.as_str()) == unit)
        })
    }
}

/// A physical device is called by its own name as well, where none of its entities is: as the one thing that it does, else
/// as something that can be asked.
fn name_device(names: &mut Names, parts: &[(&Key, &Device, &Placed)]) {
    let Some(name) = parts.iter().find_map(|(_, device, _)| device.unit.as_ref()?.name.as_ref()) else { return };
    if parts.iter().any(|(_, _, placed)| folded(&placed.name) == folded(name)) {
        return;
    }
    let mut main = parts.iter().filter(|(_, device, _)| MAIN.contains(&device.component.as_str()));
    let known = if let (Some((key, device, placed)), None) = (main.next(), main.next()) {
        known(&key.to_string(), device, placed)
    } else {
        let Some((key, device, placed)) = parts.first() else { return };
        let mut known = known(&key.to_string(), device, placed);
        known.remove("device_class");
        known.insert("domain".to_owned(), json!("sensor"));
        known.insert("unit".to_owned(), json!(true));
        known
    };
    add(names, NameOf::Thing, name, &[], &known);
}

/// What sentences may ask of a thing, and how it is found again.
fn known(id: &str, device: &Device, placed: &Placed) -> Map<String, Value> {
    let mut known = Map::new();
    known.insert("id".to_owned(), json!(id));
    known.insert("domain".to_owned(), json!(domain(&device.component)));
    known.extend(device.class.iter().map(|class| ("device_class".to_owned(), json!(class))));
    known.extend(placed.area.iter().map(|area| ("area".to_owned(), json!(area))));
    known.extend(placed.floor.iter().map(|floor| ("floor".to_owned(), json!(floor))));
    known.insert("guarded".to_owned(), json!(placed.is_guarded));
    known
}

/// The kind that sentences know a component by.
fn domain(component: &str) -> &str {
    if component == "device_tracker" { "person" } else { component }
}

fn add(names: &mut Names, of: NameOf, name: &str, aliases: &[String], known: &Map<String, Value>) {
    let stands_for = Some(Value::String(name.to_owned()));
    for said in std::iter::once(name).chain(aliases.iter().map(String::as_str)) {
        // What has no words in it cannot be said, and is listed all the same.
        let _ = names.add(of, &spoken(said), stands_for.clone(), known.clone());
    }
}

impl Placed {
    fn new(device: &Device, described: &Described, rooms: &Rooms, lang: &str) -> Self {
        let words = described.devices.get(&device.name).or_else(|| {
            let name = folded(&device.name);
            described.devices.iter().find(|(listed, _)| folded(listed) == name).map(|(_, words)| words)
        });
        let name = words.and_then(|words| words.name.clone()).unwrap_or_else(|| device.name.clone());
        let said = words.and_then(|words| words.area.clone()).or_else(|| device.area.clone());
        let known = [("domain", Some(&device.component)), ("device_class", device.class.as_ref())];
        let known = known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value?))));
        let guarded = words.and_then(|words| words.guarded);
        Self {
            area: said.or_else(|| rooms.in_name(&name)),
            floor: None,
            spoken: match own_name(&device.component, &name) {
                Some(own) => own,
                None if lang.starts_with("en") => spoken(&name),
                None => name.clone(),
            },
            aliases: words.map(|words| words.aliases.clone()).unwrap_or_default(),
            is_hidden: words.is_some_and(|words| words.hidden),
            is_guarded: guarded.unwrap_or_else(|| intents::guards(&name, known.collect())),
            name,
        }
    }
}

impl Placed {
    /// The name without the room that it begins with: in the kitchen, the kitchen's kettle is "the kettle".
    fn without_room(&self) -> Option<String> {
        let (name, room) = (folded(&self.name), folded(self.area.as_ref()?));
        let rest = name.strip_prefix(room.as_str())?.trim();
        let is_plain =
            rest.split(' ').all(|word| PLAIN_WORDS.contains(&word) || word.bytes().all(|b| b.is_ascii_digit()));
        (!is_plain).then(|| rest.to_owned())
    }
}

/// The name of a robot that has been given one: "Robby", beside "the vacuum cleaner".
fn own_name(component: &str, name: &str) -> Option<String> {
    let is_robot = matches!(component, "vacuum" | "lawn_mower");
    let is_word = name.chars().count() > 1 && name.chars().all(char::is_alphabetic);
    let words = folded(name);
    let is_kind = ["vacuum", "mower", "robot", "hoover", "cleaner", "bot"].iter().any(|kind| words.contains(kind));
    let mut letters = name.chars();
    let capital = letters.next()?.to_uppercase();
    (is_robot && is_word && !is_kind).then(|| capital.chain(letters.flat_map(char::to_lowercase)).collect())
}

/// A name as it stands within a sentence: `Bedroom_lamp` is "bedroom lamp", and a TV stays one.
pub(super) fn spoken(name: &str) -> String {
    let word = |word: &str| {
        let is_plain = word.chars().skip(1).all(|c| !c.is_uppercase()) && word.chars().count() > 1;
        if is_plain { word.to_lowercase() } else { word.to_owned() }
    };
    name.split(['_', ' ', '/']).filter(|part| !part.is_empty()).map(word).collect::<Vec<_>>().join(" ")
}
