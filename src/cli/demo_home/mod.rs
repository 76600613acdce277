//! `hearthd demo-home`: a small house that is not there. It announces itself on the broker and does as it is told, for
//! trying things without a device.

mod device;
mod house;

use std::time::Duration;

use clap::Args;

use crate::config::file::Loaded;
use crate::engine;
use crate::service::signals::{Signal, Signals};
use crate::transport::mqtt::play;

use super::{Outcome, complain, connect, not_started, say, table};

use device::Manner;
use house::House;

/// The pause before a broker that is away is tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// `hearthd demo-home`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hearthd demo-home\n  hearthd demo-home --quiet &\n  \
                  hearthd ask \"turn on the reading lamp\"\n  hearthd devices")]
pub(super) struct DemoHomeArgs {
    /// First part of the devices' topics
    #[arg(long, default_value = "demo-home")]
    pub(super) prefix: String,
    /// Leaves the devices announced at the end
    #[arg(long)]
    pub(super) keep: bool,
    /// Prints nothing but what goes wrong
    #[arg(long)]
    pub(super) quiet: bool,
}

pub(super) fn run(loaded: &Loaded, args: &DemoHomeArgs) -> Outcome {
    let prefix = args.prefix.trim_matches('/');
    if prefix.is_empty() || prefix.contains(['+', '#', '$']) || prefix == loaded.config.mqtt.base_topic {
        complain(&"--prefix must be a topic without wildcards, and not hearthd's own");
        return Outcome::Problems;
    }
    let settings = match connect::visitor(loaded, &format!("demo-home-{}", engine::fresh_id())) {
        Ok(settings) => settings,
        Err(error) => return not_started(&error),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return not_started(&error),
    };
    let settings = crate::transport::mqtt::Settings { will_topic: Some(format!("{prefix}/status")), ..settings };
    let told: fn(&str) = if args.quiet { |_| {} } else { |line| say(&line) };
    let mut house = House::new(prefix, args.keep, told);
    if !args.quiet {
        show(&house);
    }
    runtime.block_on(async {
        let mut signals = match Signals::new() {
            Ok(signals) => signals,
            Err(error) => return not_started(&error),
        };
        loop {
            match play::play(&settings, &mut house, told_to_stop(&mut signals)).await {
                Ok(()) => return Outcome::Done,
                Err(error) => complain(&format_args!("{error}; next try in {} s", PAUSE.as_secs())),
            }
            if tokio::time::timeout(PAUSE, told_to_stop(&mut signals)).await.is_ok() {
                return Outcome::Done;
            }
        }
    })
}

async fn told_to_stop(signals: &mut Signals) {
    while signals.next().await != Signal::Stop {}
}

fn show(house: &House) {
    let mut rows = vec![["NAME", "ROOM", "KIND", ""].map(str::to_owned)];
    rows.extend(house.devices.iter().map(|device| {
        let manner = match device.manner {
            Manner::Obeys(_) => "",
            Manner::Silent => "never answers",
            Manner::Offline => "offline",
        };
        [device.name, device.area, device.component(), manner].map(str::to_owned)
    }));
    // A reader that went away is no error.
    let _ = table::write(&rows, None, &mut std::io::stdout().lock());
    say(
        &"\nSay to hearthd: turn on the kitchen light; set the living room blinds to 40 percent; are any windows open;",
    );
    say(&"unlock the front door; how warm is it in the kitchen. Ctrl-C takes the house away again.\n");
}
