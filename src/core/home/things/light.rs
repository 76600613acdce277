//! Lamps, in the three ways in which they take their commands.

use serde_json::{Map, Value, json};

use super::Lack;
use super::switch::whole;
use crate::core::home::colour::{Rgb, mired};
use crate::core::home::fields::{Fields, Making, Message, Order, Reading, Told};
use crate::core::home::templates::TemplateId;

/// Home Assistant's limits for a lamp that does not say its own, in kelvin.
const KELVIN: (f64, f64) = (2_000.0, 6_535.0);

/// A lamp.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::core::home) struct Light {
    wire: Wire,
    /// What full brightness is; `None` where the lamp knows none.
    full: Option<f64>,
    /// The coldest and the warmest white, in kelvin; `None` where it has one white alone.
    kelvin: Option<(f64, f64)>,
    colour: Option<Colour>,
    pub(super) state: Option<Told>,
    pub(super) brightness: Option<Reading>,
}

/// What is to become of a lamp. A lamp that is off goes on for each of these.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::core::home) enum Change {
    On,
    Off,
    /// A part of full brightness, 0 to 1; 0 is off.
    Brightness(f64),
    Kelvin(f64),
    Colour(Rgb),
}

/// The form in which a lamp wants its colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colour {
    Rgb,
    Hs,
    Xy,
}

#[derive(Clone, Debug, PartialEq)]
enum Wire {
    /// A topic a kind of command.
    Basic(Box<Basic>),
    /// One topic, one object.
    Json { order: Order, in_kelvin: bool },
    /// One topic, whatever the templates make.
    Template { order: Order, on: TemplateId, off: TemplateId },
}

#[derive(Clone, Debug, PartialEq)]
struct Basic {
    order: Order,
    on: String,
    off: String,
    /// Whether a lamp goes on by its brightness alone.
    on_by_brightness: bool,
    brightness: Option<Order>,
    white: Option<Order>,
    in_kelvin: bool,
    rgb: Option<Order>,
    hs: Option<Order>,
    xy: Option<Order>,
}

impl Light {
    /// Reads a lamp; `None` where it takes no commands that are understood.
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        match fields.text("schema").as_deref() {
            Some("json") => Self::json(fields),
            Some("template") => Self::template(fields),
            _ => Self::basic(fields),
        }
    }

    fn json(fields: &mut Fields<'_>) -> Option<Self> {
        let order = fields.order("command_topic", None)?;
        let modes = fields.texts("supported_color_modes");
        let has = |names: &[&str]| modes.iter().any(|mode| names.contains(&mode.as_str()));
        let colour = if has(&["xy"]) {
            Some(Colour::Xy)
        } else if has(&["hs"]) {
            Some(Colour::Hs)
        } else {
            has(&["rgb", "rgbw", "rgbww"]).then_some(Colour::Rgb)
        };
        let is_dimmed = fields.flag("brightness") || !(modes.is_empty() || has(&["onoff"]));
        let warm = has(&["color_temp"]).then(|| kelvin(fields));
        let full = is_dimmed.then(|| full(fields, "brightness_scale"));
        let words = [("ON", "on"), ("OFF", "off")].map(|(payload, word)| (payload.to_owned(), word));
        let state = fields.field("state_topic", "state").map(|reading| reading.meaning(words.to_vec()));
        let brightness = fields.field("state_topic", "brightness").filter(|_| is_dimmed);
        let wire = Wire::Json { order, in_kelvin: fields.flag("color_temp_kelvin") };
        Some(Self { wire, full, kelvin: warm, colour, brightness, state })
    }

    fn template(fields: &mut Fields<'_>) -> Option<Self> {
        let order = fields.order("command_topic", None)?;
        let on = fields.template("command_on_template").ok()??;
        let off = fields.template("command_off_template").ok()??;
        let is_dimmed = fields.has("brightness_template");
        let warm = fields.has("color_temp_template").then(|| kelvin(fields));
        let colour = ["red_template", "green_template", "blue_template"].iter().all(|key| fields.has(key));
        Some(Self {
            wire: Wire::Template { order, on, off },
            full: is_dimmed.then_some(255.0),
            kelvin: warm,
            colour: colour.then_some(Colour::Rgb),
            state: fields.told("state_topic", Some("state_template"), &[]),
            brightness: fields.reading("state_topic", Some("brightness_template")).filter(|_| is_dimmed),
        })
    }

    fn basic(fields: &mut Fields<'_>) -> Option<Self> {
        let basic = Basic {
            order: fields.order("command_topic", None)?,
            on: fields.payload("payload_on", "ON")?,
            off: fields.payload("payload_off", "OFF")?,
            on_by_brightness: fields.text("on_command_type").as_deref() == Some("brightness"),
            brightness: fields.order("brightness_command_topic", Some("brightness_command_template")),
            white: fields.order("color_temp_command_topic", Some("color_temp_command_template")),
            in_kelvin: fields.flag("color_temp_kelvin"),
            rgb: fields.order("rgb_command_topic", Some("rgb_command_template")),
            hs: fields.order("hs_command_topic", Some("hs_command_template")),
            xy: fields.order("xy_command_topic", Some("xy_command_template")),
        };
        let colour = if basic.rgb.is_some() {
            Some(Colour::Rgb)
        } else if basic.hs.is_some() {
            Some(Colour::Hs)
        } else {
            basic.xy.is_some().then_some(Colour::Xy)
        };
        let words = [("payload_on", "ON", "on"), ("payload_off", "OFF", "off")];
        Some(Self {
            full: basic.brightness.is_some().then(|| full(fields, "brightness_scale")),
            kelvin: basic.white.is_some().then(|| kelvin(fields)),
            colour,
            state: fields.told("state_topic", Some("state_value_template"), &words),
            brightness: fields.reading("brightness_state_topic", Some("brightness_value_template")),
            wire: Wire::Basic(Box::new(basic)),
        })
    }

    /// What it can be made to do.
    pub(super) fn abilities(&self) -> Vec<String> {
        let brightness = self.full.map(|_| "brightness".to_owned());
        let whites = self.kelvin.map(|(least, most)| format!("{least} to {most} K"));
        let colour = self.colour.map(|_| "colour".to_owned());
        ["on/off".to_owned()].into_iter().chain(brightness).chain(whites).chain(colour).collect()
    }

    /// Whether it can be dimmed.
    pub(super) fn is_dimmed(&self) -> bool {
        self.full.is_some()
    }

    /// A brightness in the lamp's own numbers as percent.
    pub(super) fn percent(&self, level: &str) -> Option<f64> {
        let level: f64 = level.parse().ok()?;
        Some((level / self.full? * 100.0).round())
    }

    /// The messages that make a change.
    ///
    /// # Errors
    /// What the lamp cannot.
    pub(super) fn messages(&self, change: Change, made: &Making<'_>) -> Result<Vec<Message>, Lack> {
        let change = match change {
            Change::Brightness(part) if part <= 0.0 => Change::Off,
            Change::Kelvin(wanted) => {
                let (least, most) = self.kelvin.ok_or(Lack::Whites)?;
                Change::Kelvin(wanted.clamp(least, most))
            }
            Change::Colour(_) if self.colour.is_none() => return Err(Lack::Colours),
            other => other,
        };
        match &self.wire {
            Wire::Basic(basic) => self.basic_messages(basic, change, made),
            Wire::Json { order, in_kelvin } => {
                let object = self.object(change, *in_kelvin)?;
                Ok(vec![order.exactly(Value::Object(object).to_string())])
            }
            Wire::Template { order, on, off } => {
                let template = if change == Change::Off { *off } else { *on };
                let payload = made.templates.payload_of(template, &self.variables(change)?, made.now);
                Ok(vec![order.exactly(payload.ok_or(Lack::Template)?)])
            }
        }
    }

    /// A part of full brightness in the lamp's own numbers: never 0, which would be off.
    fn level(&self, part: f64) -> Result<Value, Lack> {
        let full = self.full.ok_or(Lack::Brightness)?;
        Ok(whole((part.clamp(0.0, 1.0) * full).round().max(1.0)))
    }

    fn object(&self, change: Change, in_kelvin: bool) -> Result<Map<String, Value>, Lack> {
        let mut object = Map::new();
        object.insert("state".to_owned(), json!(if change == Change::Off { "OFF" } else { "ON" }));
        match change {
            Change::On | Change::Off => {}
            Change::Brightness(part) => {
                object.insert("brightness".to_owned(), self.level(part)?);
            }
            Change::Kelvin(kelvin) => {
                object.insert("color_temp".to_owned(), whole(if in_kelvin { kelvin.round() } else { mired(kelvin) }));
            }
            Change::Colour(colour) => {
                object.insert("color".to_owned(), self.colour.ok_or(Lack::Colours)?.object(colour));
            }
        }
        Ok(object)
    }

    fn variables(&self, change: Change) -> Result<Vec<(&'static str, Value)>, Lack> {
        let mut variables = vec![("state", json!(if change == Change::Off { "off" } else { "on" }))];
        match change {
            Change::On | Change::Off => {}
            Change::Brightness(part) => variables.push(("brightness", self.level(part)?)),
            Change::Kelvin(kelvin) => variables.push(("color_temp", whole(mired(kelvin)))),
            Change::Colour(Rgb(red, green, blue)) => {
                variables.extend([("red", json!(red)), ("green", json!(green)), ("blue", json!(blue))]);
            }
        }
        Ok(variables)
    }

    fn basic_messages(&self, basic: &Basic, change: Change, made: &Making<'_>) -> Result<Vec<Message>, Lack> {
        let on = || basic.order.exactly(basic.on.clone());
        let special = match change {
            Change::Off => return Ok(vec![basic.order.exactly(basic.off.clone())]),
            Change::On if basic.on_by_brightness => {
                let full = whole(self.full.ok_or(Lack::Brightness)?);
                basic.brightness.as_ref().and_then(|order| order.message(&full, &[], made))
            }
            Change::On => return Ok(vec![on()]),
            Change::Brightness(part) => {
                let level = self.level(part)?;
                basic.brightness.as_ref().and_then(|order| order.message(&level, &[], made))
            }
            Change::Kelvin(kelvin) => {
                let white = whole(if basic.in_kelvin { kelvin.round() } else { mired(kelvin) });
                basic.white.as_ref().and_then(|order| order.message(&white, &[], made))
            }
            Change::Colour(colour) => basic.colour(colour, made),
        };
        let special = special.ok_or(Lack::Template)?;
        Ok(if basic.on_by_brightness { vec![special] } else { vec![special, on()] })
    }
}

impl Basic {
    fn colour(&self, colour: Rgb, made: &Making<'_>) -> Option<Message> {
        let Rgb(red, green, blue) = colour;
        if let Some(order) = &self.rgb {
            let variables = [("red", json!(red)), ("green", json!(green)), ("blue", json!(blue))];
            return order.message(&json!(format!("{red},{green},{blue}")), &variables, made);
        }
        if let Some(order) = &self.hs {
            let (hue, saturation) = colour.hue_and_saturation();
            let variables = [("hue", json!(hue)), ("sat", json!(saturation))];
            return order.message(&json!(format!("{hue},{saturation}")), &variables, made);
        }
        let (x, y) = colour.xy();
        self.xy.as_ref()?.message(&json!(format!("{x},{y}")), &[("x", json!(x)), ("y", json!(y))], made)
    }
}

impl Colour {
    fn object(self, colour: Rgb) -> Value {
        match self {
            Self::Rgb => json!({ "r": colour.0, "g": colour.1, "b": colour.2 }),
            Self::Hs => {
                let (hue, saturation) = colour.hue_and_saturation();
                json!({ "h": hue, "s": saturation })
            }
            Self::Xy => {
                let (x, y) = colour.xy();
                json!({ "x": x, "y": y })
            }
        }
    }
}

fn full(fields: &mut Fields<'_>, key: &str) -> f64 {
    fields.number(key).filter(|full| *full >= 1.0).unwrap_or(255.0)
}

/// The whites a lamp says it has; the warmest is the lowest number of kelvins and the highest of mireds.
fn kelvin(fields: &mut Fields<'_>) -> (f64, f64) {
    let least = fields.number("min_kelvin").or_else(|| fields.number("max_mireds").map(mired));
    let most = fields.number("max_kelvin").or_else(|| fields.number("min_mireds").map(mired));
    let (least, most) = (least.unwrap_or(KELVIN.0), most.unwrap_or(KELVIN.1));
    if least <= most { (least, most) } else { KELVIN }
}
