//! The real daemon, driven as its users drive it: through a real Mosquitto with both versions of MQTT, through the
//! embedded broker, through HTTP. The fake model stands in where the models are not what is tested; `models.rs` uses the
//! real one.
#![cfg(feature = "broker")]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "a test ends at its first surprise")]

mod acting;
mod cancelled;
#[path = "../support/client.rs"]
mod client;
mod commands;
#[path = "../support/data.rs"]
mod data;
mod demo_home;
mod devices;
mod faults;
mod floods;
#[path = "../support/home.rs"]
mod home;
mod home_assistant;
mod http;
mod ids;
mod injection;
mod model_faults;
#[path = "../support/model_server.rs"]
#[expect(dead_code, reason = "the tests of the remote tier itself use the rest")]
mod model_server;
mod models;
#[path = "../support/mosquitto.rs"]
mod mosquitto;
#[path = "../support/program.rs"]
mod program;
mod real_home_assistant;
mod reload;
mod remote;
mod repeated;
mod secure;
mod shelly;
mod slow_readers;
mod timers;
mod utterances;
#[path = "../support/web.rs"]
mod web;
mod zigbee2mqtt;
