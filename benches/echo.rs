//! From an utterance to the device command, over a real Mosquitto, beside a bare MQTT echo in the same run.
//!
//! `cargo bench --bench echo`. The echo is the least that anything which answers by MQTT can take: a rumqttc client that
//! publishes what it gets. The bar: hearthd's median is at most 1.5 times the echo's, with the rules' own devices and with
//! 1,000 devices that announced themselves. While those report 2,000 times a second, 99 of 100 commands take at most 5 ms.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench ends at its first surprise")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it measured")]

#[path = "../tests/support/client.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod client;
#[path = "support/figures.rs"]
#[expect(dead_code, reason = "shared with the other benches")]
mod figures;
#[path = "../tests/support/home.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod home;
#[path = "../tests/support/mosquitto.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod mosquitto;
#[path = "../tests/support/web.rs"]
mod web;

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, MqttOptions};

use serde_json::{Value, json};

use client::{Client, Version};
use figures::quantile;
use mosquitto::Mosquitto;

const ROUNDS: usize = 2_000;
const WARM_UP: usize = 200;
const BAR: f64 = 1.5;

/// The bare echo, on a thread of its own as hearthd has a process of its own.
fn echo(address: SocketAddr, ready_tx: &mpsc::Sender<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut options = MqttOptions::new("bare-echo", address.ip().to_string(), address.port());
        let mut network = rumqttc::NetworkOptions::new();
        network.set_tcp_nodelay(true);
        options.set_network_options(network).set_keep_alive(Duration::from_secs(10));
        let (client, mut events) = AsyncClient::new(options, 64);
        // Until the broker ends with the bench.
        while let Ok(event) = events.poll().await {
            match event {
                Event::Incoming(Packet::ConnAck(_)) => client.try_subscribe("echo/in", QoS::AtLeastOnce).unwrap(),
                Event::Incoming(Packet::SubAck(_)) => ready_tx.send(()).unwrap(),
                Event::Incoming(Packet::Publish(publish)) => {
                    client.try_publish("echo/out", QoS::AtLeastOnce, false, publish.payload).unwrap();
                }
                _ => {}
            }
        }
    });
}

/// One round: what is published, and the wait for what it causes.
async fn round(client: &mut Client, topic: &str, payload: &str, answer: &str) -> Duration {
    let began = Instant::now();
    client.publish(topic, payload, 1, false).await;
    while client.message().await.topic != answer {}
    began.elapsed()
}

/// In microseconds.
fn microseconds(waits: &[Duration]) -> Vec<f64> {
    waits.iter().map(|wait| wait.as_secs_f64() * 1e6).collect()
}

/// The home of a thousand devices: half of them lamps, half of them sensors that report.
const LAMPS: usize = 500;
const ROOMS: [&str; 10] =
    ["kitchen", "bedroom", "office", "hallway", "cellar", "attic", "studio", "nursery", "library", "garage"];
/// What the sensors report in a second, in the flood.
const REPORTS: usize = 2_000;
const FLOOD_BAR_MS: f64 = 5.0;

/// Devices that a broker tells of at once, and what reading them may take.
const AT_ONCE: usize = 5_000;
const READ_BAR_S: f64 = 2.0;
const READ_BAR_MIB: f64 = 50.0;

/// Starts hearthd at a broker that keeps the announcements of so many lamps: seconds from its start until it knows them all,
/// and the MiB that the process takes then.
async fn read_at_once(count: usize) -> (f64, f64) {
    let broker = Mosquitto::start().await;
    let mut client = Client::new(broker.address, Version::V4, "announcing").await;
    for number in 0..count {
        let lamp = json!({
            "schema": "json", "name": null, "uniq_id": format!("lamp{number}"), "brightness": true,
            "cmd_t": format!("house/{number}/set"), "stat_t": format!("house/{number}"),
            "avty": [{"t": format!("house/{number}/availability"), "val_tpl": "{{ value_json.state }}"}],
            "supported_color_modes": ["color_temp", "xy"], "min_mireds": 153, "max_mireds": 500,
            "dev": {"ids": [format!("lamp{number}")], "name": format!("Lamp {number}"), "mf": "A maker", "mdl": "A model"},
        });
        client.publish(&format!("homeassistant/light/lamp{number}/config"), lamp.to_string(), 1, true).await;
    }
    client.subscribe("hearthd/info", 1).await;
    let began = Instant::now();
    let home = home::Home::start(&home::Plan::at(broker.address)).await;
    let known = u64::try_from(count).ok();
    loop {
        let message = client.message().await;
        let devices = || serde_json::from_slice::<Value>(&message.payload).unwrap()["devices"].as_u64();
        if message.topic == "hearthd/info" && devices() == known {
            break;
        }
    }
    let took = began.elapsed().as_secs_f64();
    let status = std::fs::read_to_string(format!("/proc/{}/status", home.pid())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    (took, resident.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0)
}

/// Announces the devices, and waits until hearthd knows them.
async fn announce(client: &mut Client) {
    for number in 0..LAMPS {
        let room = ROOMS[number % ROOMS.len()];
        let lamp = json!({
            "name": format!("{room} lamp {number}"), "uniq_id": format!("lamp{number}"),
            "cmd_t": format!("house/{number}/set"), "dev": {"ids": format!("lamp{number}"), "sa": room},
        });
        client.publish(&format!("homeassistant/light/lamp{number}/config"), lamp.to_string(), 1, true).await;
        let sensor = json!({
            "name": format!("{room} sensor {number}"), "uniq_id": format!("sensor{number}"),
            "stat_t": format!("states/{number}"), "dev_cla": "temperature", "unit_of_meas": "°C",
            "val_tpl": "{{ value_json.temperature | round(1) }}", "dev": {"ids": format!("sensor{number}"), "sa": room},
        });
        client.publish(&format!("homeassistant/sensor/sensor{number}/config"), sensor.to_string(), 1, true).await;
    }
    client.subscribe("hearthd/info", 1).await;
    loop {
        let message = client.message().await;
        let devices = || serde_json::from_slice::<Value>(&message.payload).unwrap()["devices"].as_u64();
        if message.topic == "hearthd/info" && devices() == u64::try_from(2 * LAMPS).ok() {
            return;
        }
    }
}

/// Reports for ever, evenly over the second.
async fn flood(address: SocketAddr) {
    const AT_ONCE: usize = 20;
    let mut sensors = Client::new(address, Version::V4, "sensors").await;
    let mut tick = tokio::time::interval(Duration::from_secs(1) / u32::try_from(REPORTS / AT_ONCE).unwrap());
    for number in 0.. {
        tick.tick().await;
        for sensor in 0..AT_ONCE {
            let topic = format!("states/{}", (number * AT_ONCE + sensor) % LAMPS);
            sensors.publish(&topic, format!(r#"{{"temperature":{}.25,"battery":90}}"#, number % 30), 0, false).await;
        }
    }
}

/// Echoes and commands by turns, in microseconds; what is said and which topic is to come of it, by round.
async fn measured(client: &mut Client, of: impl Fn(usize) -> (String, String)) -> (Vec<f64>, Vec<f64>) {
    let (mut echoes, mut commands) = (Vec::new(), Vec::new());
    for number in 0..WARM_UP + ROUNDS {
        let (say, topic) = of(number);
        let echo = round(client, "echo/in", &say, "echo/out").await;
        let command = round(client, "hearthd/utterance", &say, &topic).await;
        if number >= WARM_UP {
            echoes.push(echo);
            commands.push(command);
        }
    }
    (microseconds(&echoes), microseconds(&commands))
}

fn show(what: &str, echoes: &[f64], commands: &[f64]) {
    println!("utterance to device command, {what}, {ROUNDS} rounds, alternating with a bare MQTT echo (µs)");
    println!("{:>24} {:>10} {:>10} {:>10}", "", "p50", "p95", "p99");
    for (name, waits) in [("bare echo", echoes), ("hearthd", commands)] {
        let [p50, p95, p99] = [50, 95, 99].map(|percent| quantile(waits, percent));
        println!("{name:>24} {p50:>10.0} {p95:>10.0} {p99:>10.0}");
    }
}

fn verdict(what: &str, value: f64, bar: f64) {
    println!("{what:>24} {value:>10.2}  (bar: at most {bar}: {})\n", if value <= bar { "met" } else { "MISSED" });
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (broker, home) = home::with_mosquitto().await;
    let (ready_tx, ready_rx) = mpsc::channel();
    let address = broker.address;
    thread::spawn(move || echo(address, &ready_tx));
    ready_rx.recv().unwrap();
    let mut client = Client::new(home.mqtt, Version::V4, "bench").await;
    for filter in ["echo/out", "zigbee2mqtt/#", "house/+/set"] {
        client.subscribe(filter, 1).await;
    }
    client.subscribe("hearthd/reply/#", 0).await;
    let written = ("turn on the kitchen light".to_owned(), "zigbee2mqtt/kitchen_light/set".to_owned());
    let (echoes, commands) = measured(&mut client, |_| written.clone()).await;
    show("a home of the rules", &echoes, &commands);
    verdict("ratio of medians", quantile(&commands, 50) / quantile(&echoes, 50), BAR);
    announce(&mut client).await;
    let lamp = |round: usize| {
        let number = round * 7 % LAMPS;
        (format!("turn on the {} lamp {number}", ROOMS[number % ROOMS.len()]), format!("house/{number}/set"))
    };
    let (echoes, commands) = measured(&mut client, lamp).await;
    show("1,000 devices known", &echoes, &commands);
    verdict("ratio of medians", quantile(&commands, 50) / quantile(&echoes, 50), BAR);
    thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(flood(address));
    });
    let (echoes, commands) = measured(&mut client, lamp).await;
    show(&format!("{REPORTS} reports a second"), &echoes, &commands);
    verdict("p99 of hearthd, ms", quantile(&commands, 99) / 1e3, FLOOD_BAR_MS);
    let (without, resident) = read_at_once(1).await;
    let (with, more) = read_at_once(AT_ONCE).await;
    println!("{AT_ONCE} announcements that a broker keeps, beside one, from hearthd's start until it knows them");
    verdict("seconds more", with - without, READ_BAR_S);
    verdict("MiB more", more - resident, READ_BAR_MIB);
}
