//! `hearthd train-router`: makes the router's weights anew, after its training sentences were changed.

use std::fs;
use std::io;

use crate::core::routing::trainer::{Texts, train};

use super::arguments::TrainRouterArgs;
use super::{Outcome, complain, say};

pub(super) fn run(args: &TrainRouterArgs) -> Outcome {
    let read = |name: &str| {
        let path = args.texts.join(name);
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let made = (|| {
        let [common, command, chat, explain] =
            [read("common.txt")?, read("command.txt")?, read("chat.txt")?, read("explain.txt")?];
        train(&Texts { common: &common, command: &command, chat: &chat, explain: &explain })
    })();
    let write = |bytes: Vec<u8>| {
        let told = |error: io::Error| format!("{}: {error}", args.out.display());
        fs::write(&args.out, &bytes).map(|()| bytes.len()).map_err(told)
    };
    match made.and_then(write) {
        Ok(length) => {
            say(&format_args!("{} written, {length} bytes; build again to use it", args.out.display()));
            Outcome::Done
        }
        Err(message) => {
            complain(&message);
            Outcome::Problems
        }
    }
}
