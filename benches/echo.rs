//! From an utterance to the device command, over a real Mosquitto, beside a bare MQTT echo in the same run.
//!
//! `cargo bench --bench echo`. The echo is the least that anything which answers by MQTT can take: a rumqttc client that
//! publishes what it gets. The bar: hearthd's median is at most 1.5 times the echo's.
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

use client::{Client, Version};
use figures::quantile;

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

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (broker, home) = home::with_mosquitto().await;
    let (ready_tx, ready_rx) = mpsc::channel();
    let address = broker.address;
    thread::spawn(move || echo(address, &ready_tx));
    ready_rx.recv().unwrap();
    let mut client = Client::new(home.mqtt, Version::V4, "bench").await;
    client.subscribe("echo/out", 1).await;
    client.subscribe("zigbee2mqtt/#", 1).await;
    client.subscribe("hearthd/reply/#", 0).await;
    let say = "turn on the kitchen light";
    let (mut echoes, mut commands) = (Vec::new(), Vec::new());
    for number in 0..WARM_UP + ROUNDS {
        let echo = round(&mut client, "echo/in", say, "echo/out").await;
        let command = round(&mut client, "hearthd/utterance", say, "zigbee2mqtt/kitchen_light/set").await;
        if number >= WARM_UP {
            echoes.push(echo);
            commands.push(command);
        }
    }
    let (echoes, commands) = (microseconds(&echoes), microseconds(&commands));
    println!("utterance to device command over Mosquitto, {ROUNDS} rounds, alternating with a bare MQTT echo (µs)");
    println!("{:>24} {:>10} {:>10} {:>10}", "", "p50", "p95", "p99");
    for (name, waits) in [("bare echo", &echoes), ("hearthd", &commands)] {
        let [p50, p95, p99] = [50, 95, 99].map(|percent| quantile(waits, percent));
        println!("{name:>24} {p50:>10.0} {p95:>10.0} {p99:>10.0}");
    }
    let ratio = quantile(&commands, 50) / quantile(&echoes, 50);
    println!(
        "{:>24} {ratio:>10.2}  (bar: at most {BAR}: {})",
        "ratio of medians",
        if ratio <= BAR { "met" } else { "MISSED" }
    );
}
