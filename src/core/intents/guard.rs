//! What locks, guards or opens the house: it is commanded by itself and word by word, or not at all.
//!
//! A slip must not reach it, and it must not be one of several commands: what was heard wrong would open a door. It is known
//! by what the home says of a thing (`guarded: true`, its domain, its device class), by the slots of a sentence that names
//! no thing ("open the garage doors"), and, for what may be wired to anything, by the words of its name.

use serde_json::{Map, Value};

use super::block::Block;
use super::context;
use super::fill::Filled;
use super::lists::{Entry, View};

/// Intents that only tell, so that nothing is moved by them.
const TELL: [&str; 10] = [
    "HassGetState",
    "HassGetWeather",
    "HassGetCurrentTime",
    "HassGetCurrentDate",
    "HassClimateGetTemperature",
    "HassTimerStatus",
    "HassRespond",
    "HearthdAlarmStatus",
    "HearthdListItems",
    "HearthdReminderStatus",
];
/// Domains whose things guard the house.
const DOMAINS: [&str; 2] = ["lock", "alarm control panel"];
/// Device classes of what lets people in.
const OPENINGS: [&str; 4] = ["garage", "garage door", "gate", "door"];
/// Domains of things that may be wired to anything: their names tell.
const WIRED: [&str; 16] = [
    "cover",
    "switch",
    "script",
    "scene",
    "automation",
    "button",
    "input button",
    "input boolean",
    "siren",
    "group",
    "valve",
    "remote",
    "select",
    "input select",
    "number",
    "input number",
];
/// Words of names that say so, in the languages whose numbers are known.
const WORDS: [&str; 48] = [
    "alarm",
    "alarms",
    "door",
    "doors",
    "garage",
    "garages",
    "gate",
    "gates",
    "lock",
    "locks",
    "oven",
    "safe",
    "stove",
    "unlock",
    "alarmanlage",
    "garagentor",
    "haustür",
    "herd",
    "ofen",
    "schloss",
    "tor",
    "tür",
    "türschloss",
    "alarme",
    "coffre",
    "four",
    "portail",
    "porte",
    "serrure",
    "alarma",
    "cerradura",
    "garaje",
    "horno",
    "portón",
    "puerta",
    "deur",
    "garagedeur",
    "poort",
    "slot",
    "voordeur",
    "allarme",
    "cancello",
    "forno",
    "porta",
    "portone",
    "serratura",
    "garagentore",
    "tore",
];

/// Whether an intent only tells.
pub(super) fn tells(intent: &str) -> bool {
    TELL.contains(&intent)
}

/// What a command would move that guards the house, as it is called; `None` where it moves nothing of the kind.
pub(super) fn moved(block: &Block, filled: &[Option<Filled<'_>>], view: View<'_>) -> Option<String> {
    // An intent of somebody's own that sends nothing moves nothing either; Home Assistant's are carried out elsewhere, and
    // some of ours by the home's devices.
    let is_own = !block.intent.starts_with("Hass") && !view.names.carries_out(&block.intent);
    if (is_own || tells(&block.intent)) && block.acts.iter().all(|act| act.publishes.is_empty()) {
        return None;
    }
    let of_slots = block.slots.iter().zip(filled).filter_map(|(slot, value)| of_slot(slot, value.as_ref()?));
    let fixed = block.fixed.iter().filter_map(|(slot, value)| of_slot(block.slots.get(*slot)?, &Filled::Fixed(value)));
    of_slots.chain(fixed).next()
}

/// Whether a command that moves what guards the house leaves it less safe than before: all but locking, closing, stopping,
/// and switching off what is no alarm.
pub(super) fn opens(block: &Block, filled: &[Option<Filled<'_>>]) -> bool {
    let value = |slot: &str| {
        let at = block.slots.iter().position(|name| name == slot)?;
        let fixed = || block.fixed.iter().find(|(fixed, _)| *fixed == at).map(|(_, value)| Filled::Fixed(value));
        filled.get(at)?.clone().or_else(fixed)
    };
    let named = block.slots.iter().zip(filled).find_map(|(_, value)| match value {
        Some(Filled::Listed(entry, _)) if is_guarded(entry) => Some(*entry),
        _ => None,
    });
    let known = named.and_then(|entry| entry.knows("domain")).cloned();
    let domain = known.or_else(|| value("domain").map(|value| context::folded(&value.to_value())));
    let is = |domains: &[&str]| domain.as_ref().and_then(Value::as_str).is_some_and(|is| domains.contains(&is));
    match block.intent.as_str() {
        "HassTurnOn" => !is(&["lock"]),
        "HassTurnOff" => is(&DOMAINS) || named.is_some_and(is_alarm),
        "HassStopMoving" => false,
        "HassSetPosition" => value("position").is_none_or(|position| position.to_value().as_f64() != Some(0.0)),
        _ => true,
    }
}

/// Whether a thing is an alarm by its name: switching that off is no safe thing.
fn is_alarm(entry: &Entry) -> bool {
    let says = |text: &String| text.split(' ').any(|word| word.starts_with("alarm") || word.starts_with("allarm"));
    entry.texts().iter().any(says)
}

fn of_slot(slot: &str, value: &Filled<'_>) -> Option<String> {
    if let Filled::Listed(entry, words) = value
        && is_guarded(entry)
    {
        return Some(entry.shown(words).to_owned());
    }
    let guards = match slot {
        "domain" => &DOMAINS[..],
        "device_class" => &OPENINGS[..],
        _ => return None,
    };
    let meant = context::folded(&value.to_value());
    let one = |meant: &Value| {
        meant
            .as_str()
            .is_some_and(|meant| guards.contains(&meant))
            .then(|| format!("the {}", meant.as_str().unwrap_or_default()))
    };
    match &meant {
        Value::Array(any) => any.iter().find_map(one),
        meant => one(meant),
    }
}

/// Whether a thing of this name guards the house, by what is known of it.
pub(crate) fn guards(name: &str, known: Map<String, Value>) -> bool {
    Entry::of_name(name, None, known).is_some_and(|entry| is_guarded(&entry))
}

/// Whether a thing guards the house.
pub(super) fn is_guarded(entry: &Entry) -> bool {
    let is = |key: &str, values: &[&str]| {
        entry.knows(key).and_then(Value::as_str).is_some_and(|value| values.contains(&value))
    };
    if let Some(Value::Bool(said)) = entry.knows("guarded") {
        return *said;
    }
    let is_called_so = || entry.texts().iter().any(|text| text.split(' ').any(|word| WORDS.contains(&word)));
    is("domain", &DOMAINS)
        || (is("domain", &["cover"]) && is("device_class", &OPENINGS))
        || (is("domain", &WIRED) && is_called_so())
}
