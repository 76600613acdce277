//! `hearthd devices`: what announces itself on the broker, what it can do, how it is, and what is unclear about it.
//!
//! Listens to the broker itself, so that it works without the daemon; nothing is sent to any device.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::config::file::Loaded;
use crate::core::home::discovery;
use crate::core::home::{House, Seen};
use crate::engine;
use crate::transport::mqtt::listen::{self, Next, Patience};

use super::{Outcome, complain, connect, not_started, say, sources, table};

/// Silence after which all is told.
const QUIET: Duration = Duration::from_millis(700);
/// Characters of a cell that lists what a device can do.
const MOST_CHARACTERS: usize = 60;

/// `hearthd devices`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hearthd devices\n  hearthd devices lamp\n  hearthd devices --problems\n  \
                  hearthd devices --json | jq '.devices[] | select(.online == false) | .name'")]
pub(super) struct DevicesArgs {
    /// Shows only what has this text in its name, its room or its kind
    pub(super) filter: Option<String>,
    /// Shows what serves to set up devices as well: signal strengths, updates, calibrations
    #[arg(long)]
    pub(super) all: bool,
    /// Shows what is wrong with announcements instead
    #[arg(long, conflicts_with_all = ["filter", "all"])]
    pub(super) problems: bool,
    /// Prints JSON for programs
    #[arg(long)]
    pub(super) json: bool,
    /// The longest time to listen
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = super::arguments::duration)]
    pub(super) timeout: Duration,
}

pub(super) fn run(loaded: &Loaded, args: &DevicesArgs) -> Outcome {
    let house = match listen(loaded, args.timeout) {
        Ok(house) => house,
        Err(outcome) => return outcome,
    };
    if args.problems {
        return problems(&house, args.json);
    }
    // What is wrong with the rules is for `hearthd check`; here they name the rooms.
    let (rules, _) = sources::load(&loaded.config.intents);
    let rooms = rules.rooms(&loaded.config.language.0);
    let mut devices = house.devices(&rooms, &jiff::Zoned::now());
    let all = devices.len();
    devices.retain(|device| {
        (args.all || !device.diagnostic) && args.filter.as_ref().is_none_or(|text| is_about(device, text))
    });
    if args.json {
        say(&json!({ "devices": devices, "problems": house.problems() }));
        return Outcome::Done;
    }
    // A reader that went away, as `head` does, is no error.
    let _ = show(&devices, all, house.problems().len(), &mut io::stdout().lock());
    Outcome::Done
}

/// The longest time to listen where nothing else is said.
pub(super) const USUAL: Duration = Duration::from_secs(10);

/// Everything that the broker keeps of the home.
///
/// # Errors
/// What became of the program, which has said why.
pub(super) fn listen(loaded: &Loaded, most: Duration) -> Result<House, Outcome> {
    let visitor = connect::visitor(loaded, &format!("devices-{}", engine::fresh_id()));
    let settings = visitor.map_err(|error| not_started(&error))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| not_started(&error))?;
    let mut house = House::new(connect::reserved(&settings.base_topic));
    let written = house.describe(connect::described(loaded));
    let patience = Patience { quiet: QUIET, most };
    let filters: Vec<String> = discovery::FILTERS.map(str::to_owned).into_iter().chain(written).collect();
    if io::stderr().is_terminal() {
        complain(&format_args!("listening to the broker {}:{}", settings.host, settings.port));
    }
    let heard = runtime.block_on(listen::listen(&settings, &filters, patience, |topic, payload| {
        if discovery::announces(topic) {
            return Next { topics: house.announce(topic, payload), ..Next::default() };
        }
        house.hear(topic, payload);
        Next { questions: house.questions(), ..Next::default() }
    }));
    match heard {
        Ok(()) => Ok(house),
        Err(error) => {
            complain(&error);
            Err(Outcome::Problems)
        }
    }
}

fn is_about(device: &Seen, text: &str) -> bool {
    let text = text.to_lowercase();
    [Some(&device.name), device.area.as_ref(), Some(&device.kind), device.class.as_ref()]
        .into_iter()
        .flatten()
        .any(|known| known.to_lowercase().contains(&text))
}

fn problems(house: &House, as_json: bool) -> Outcome {
    let problems = house.problems();
    if as_json {
        say(&json!(problems));
    } else if problems.is_empty() {
        say(&"every announcement was understood");
    } else {
        for (topic, what) in problems {
            for problem in what {
                say(&format_args!("{topic}: {problem}"));
            }
        }
    }
    if problems.is_empty() { Outcome::Done } else { Outcome::Problems }
}

fn show(devices: &[Seen], all: usize, problems: usize, out: &mut impl Write) -> io::Result<()> {
    if all == 0 {
        return writeln!(
            out,
            "nothing announces itself on the broker: by the discovery of Home Assistant (homeassistant/…/config) or Tasmota,\n\
             or by Zigbee2MQTT's list of devices (zigbee2mqtt/bridge/devices)"
        );
    }
    let mut rows = vec![["NAME", "ROOM", "KIND", "CAN", "STATE", "ANNOUNCED BY"].map(str::to_owned)];
    rows.extend(devices.iter().map(row));
    table::write(&rows, None, out)?;
    if devices.len() < all {
        writeln!(out, "\n{} of {all} shown; --all shows every one", devices.len())?;
    }
    let mut unclear: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for device in devices {
        for why in &device.unclear {
            unclear.entry(why).or_default().insert(&device.name);
        }
    }
    for (why, names) in unclear {
        writeln!(out, "\nUnclear: {why}")?;
        for name in names {
            writeln!(out, "  {name}")?;
        }
    }
    if problems > 0 {
        writeln!(out, "\nannouncements with something wrong: {problems}; `hearthd devices --problems` says what")?;
    }
    Ok(())
}

fn row(device: &Seen) -> [String; 6] {
    let kind = device.class.as_ref().map_or_else(|| device.kind.clone(), |class| format!("{} ({class})", device.kind));
    let state = match (device.online, &device.state) {
        (Some(false), _) => "offline".to_owned(),
        (_, Some(state)) => short(state),
        (_, None) => "unknown".to_owned(),
    };
    let can = if device.can.is_empty() { "tells".to_owned() } else { short(&device.can.join(", ")) };
    let area = device.area.clone().unwrap_or_else(|| "-".to_owned());
    [device.name.clone(), area, kind, can, state, device.source.clone()]
}

fn short(text: &str) -> String {
    // What a device says is shown in one line, and moves no cursor.
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() <= MOST_CHARACTERS {
        return text;
    }
    let begin: String = text.chars().take(MOST_CHARACTERS - 1).collect();
    format!("{begin}…")
}
