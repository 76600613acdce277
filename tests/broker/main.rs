//! What hearthd needs of its embedded broker, driven by clients that are not hearthd: rumqttc with both versions of MQTT,
//! and Mosquitto's own programs.
//!
//! The broker's crate moves fast and is pinned; these tests tell whether the next version still does.
#![cfg(feature = "broker")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at its first surprise")]

#[path = "../support/client.rs"]
mod client;

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use client::{Client, LIMIT, Settings, Version};
use hearthd::broker::{self, Broker, BrokerOptions, Login};
use rumqttc::v5::mqttbytes::v5::PublishProperties;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::RwLock;
use tokio::time::timeout;

const BOTH: [Version; 2] = [Version::V4, Version::V5];

/// Memory is the process's: the test that measures it takes this for itself, all others share it.
static MEMORY: RwLock<()> = RwLock::const_new(());

fn options(folder: &Path) -> BrokerOptions {
    BrokerOptions { listen: SocketAddr::from(([127, 0, 0, 1], 0)), state_dir: folder.to_owned(), login: None }
}

async fn started() -> (Broker, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker::start(options(folder.path())).await.unwrap();
    (broker, folder)
}

async fn refusal(options: BrokerOptions) -> String {
    let message = broker::start(options).await.unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

/// One of Mosquitto's programs, ended with the test.
fn mosquitto(program: &str, address: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(["-h", "127.0.0.1", "-p", &address.port().to_string()]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn run(mut command: Command) -> String {
    let output = timeout(LIMIT, command.output()).await.unwrap().expect("mosquitto-clients must be installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn numbered(count: usize, length: usize) -> Vec<String> {
    (0..count).map(|n| format!("{n:0length$}")).collect()
}

#[tokio::test]
async fn both_versions_share_a_port_and_version_5_properties_reach_both() {
    let _memory = MEMORY.read().await;
    let (broker, _folder) = started().await;
    let mut old = Client::new(broker.local_addr(), Version::V4, "reader").await;
    let mut new = Client::new(broker.local_addr(), Version::V5, "reader").await;
    assert_eq!(new.max_packet, Some(16 * 1024 * 1024));
    old.subscribe("asked/#", 1).await;
    new.subscribe("asked/#", 1).await;

    let mut asking = Client::new(broker.local_addr(), Version::V5, "asking").await;
    let properties = PublishProperties {
        response_topic: Some("answers/7".to_owned()),
        correlation_data: Some(b"\x00\xff7".to_vec().into()),
        content_type: Some("application/json".to_owned()),
        message_expiry_interval: Some(60),
        user_properties: vec![("room".to_owned(), "kitchen".to_owned())],
        ..PublishProperties::default()
    };
    asking.publish_with("asked/now", "hello", properties).await;

    assert_eq!(old.message().await.text(), "hello");
    let message = new.message().await;
    assert_eq!((message.topic.as_str(), message.text()), ("asked/now", "hello"));
    let got = message.properties;
    assert_eq!(got.response_topic.as_deref(), Some("answers/7"));
    assert_eq!(got.correlation_data.as_deref(), Some(b"\x00\xff7".as_slice()));
    assert_eq!(got.content_type.as_deref(), Some("application/json"));
    assert!(got.message_expiry_interval.is_some_and(|left| (1..=60).contains(&left)));
    // The broker adds properties of its own.
    assert!(got.user_properties.contains(&("room".to_owned(), "kitchen".to_owned())));

    // From version 3.1.1 to version 5, and a payload larger than most.
    let large = vec![b'x'; 1024 * 1024];
    old.publish("asked/large", large.clone(), 1, false).await;
    assert_eq!(new.message().await.payload, large);
    broker.stop().await;
}

#[tokio::test]
async fn mosquittos_programs_talk_to_it_in_both_versions() {
    let _memory = MEMORY.read().await;
    let (broker, _folder) = started().await;
    let address = broker.local_addr();
    for (reads, writes) in [("mqttv311", "mqttv5"), ("mqttv5", "mqttv311")] {
        let topic = format!("from/{writes}");
        let listen =
            mosquitto("mosquitto_sub", address, &["-V", reads, "-t", &topic, "-q", "2", "-C", "1", "-W", "60"]);
        let heard = tokio::spawn(run(listen));
        // It does not say when it has subscribed; a retained message reaches it whenever that is.
        let mut say = vec!["-V", writes, "-t", &topic, "-m", "licht an", "-q", "2", "-r"];
        if writes == "mqttv5" {
            say.extend(["-D", "publish", "response-topic", "answers/1", "-D", "publish", "user-property", "a", "b"]);
        }
        run(mosquitto("mosquitto_pub", address, &say)).await;
        assert_eq!(heard.await.unwrap(), "licht an\n", "{writes} to {reads}");
    }
    broker.stop().await;
}

#[tokio::test]
async fn every_quality_of_service_delivers_once_and_in_order() {
    let _memory = MEMORY.read().await;
    let (broker, _folder) = started().await;
    let payloads = numbered(50, 4);
    for version in BOTH {
        let mut writer = Client::new(broker.local_addr(), version, "writer").await;
        for qos in 0..=2 {
            let topic = format!("qos/{version:?}/{qos}");
            let mut reader = Client::new(broker.local_addr(), version, &format!("reader{qos}")).await;
            reader.subscribe(&topic, qos).await;
            for payload in &payloads {
                writer.publish(&topic, payload.as_str(), qos, false).await;
            }
            for payload in &payloads {
                let message = reader.message().await;
                assert_eq!((message.text(), message.qos), (payload.as_str(), qos), "{topic}");
            }
            // Nothing came twice: what comes next is the next.
            writer.publish(&topic, "end", qos, false).await;
            assert_eq!(reader.message().await.text(), "end", "{topic}");
        }
    }
    broker.stop().await;
}

#[tokio::test]
async fn retained_messages_are_set_replaced_and_cleared() {
    let _memory = MEMORY.read().await;
    let (broker, _folder) = started().await;
    let mut writer = Client::new(broker.local_addr(), Version::V4, "writer").await;
    for (topic, payload) in [("home/lamp", "off"), ("home/lamp", "on"), ("home/gone", "here"), ("home/gone", "")] {
        writer.publish(topic, payload, 1, true).await;
    }
    writer.publish("home/end", "end", 1, true).await;
    for version in BOTH {
        let mut reader = Client::new(broker.local_addr(), version, "reader").await;
        reader.subscribe("home/+", 1).await;
        let mut kept = [reader.message().await, reader.message().await];
        kept.sort_by(|a, b| a.topic.cmp(&b.topic));
        let seen = kept.each_ref().map(|m| (m.topic.as_str(), m.text(), m.retain));
        assert_eq!(seen, [("home/end", "end", true), ("home/lamp", "on", true)]);
        writer.publish("home/live", "now", 1, false).await;
        let message = reader.message().await;
        assert_eq!((message.text(), message.retain), ("now", false), "a third retained message came");
    }
    broker.stop().await;
}

#[tokio::test]
async fn it_publishes_nothing_of_its_own() {
    let _memory = MEMORY.read().await;
    let (broker, _folder) = started().await;
    let mut reader = Client::new(broker.local_addr(), Version::V5, "reader").await;
    for filter in ["$SYS/#", "#", "end"] {
        reader.subscribe(filter, 1).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    reader.publish("end", "end", 1, false).await;
    assert_eq!(reader.message().await.topic, "end");
    broker.stop().await;
}

#[tokio::test]
async fn the_last_will_of_a_killed_client_is_published() {
    let _memory = MEMORY.read().await;
    let (broker, _folder) = started().await;
    let address = broker.local_addr();
    let mut reader = Client::new(address, Version::V4, "reader").await;
    reader.subscribe("state/#", 1).await;

    let will = ["-t", "state/proof", "-i", "killed", "--will-topic", "state/killed", "--will-payload", "offline"];
    let mut killed = mosquitto("mosquitto_sub", address, &will).spawn().expect("mosquitto-clients must be installed");
    // It is connected when it prints what it subscribed to.
    reader.publish("state/proof", "up", 1, true).await;
    assert_eq!(reader.message().await.text(), "up");
    let mut first = [0; 2];
    timeout(LIMIT, killed.stdout.as_mut().unwrap().read_exact(&mut first)).await.unwrap().unwrap();
    killed.kill().await.unwrap();
    let message = reader.message().await;
    assert_eq!((message.topic.as_str(), message.text()), ("state/killed", "offline"));

    for version in BOTH {
        let will = Some(("state/daemon", "offline"));
        let polite = Client::connect(address, &Settings { will, ..Settings::new(version, "polite") }).await.unwrap();
        polite.leave().await;
        reader.publish("state/marker", "after the polite one", 1, false).await;
        assert_eq!(reader.message().await.text(), "after the polite one");
        drop(Client::connect(address, &Settings { will, ..Settings::new(version, "rude") }).await.unwrap());
        assert_eq!(reader.message().await.text(), "offline", "{version:?}");
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_client_that_was_away_gets_what_it_missed_in_order() {
    let _memory = MEMORY.read().await;
    let (broker, _folder) = started().await;
    // More than the crate keeps unless it is told otherwise.
    let missed = numbered(12_000, 200);
    let mut away = Vec::new();
    for version in BOTH {
        let settings = Settings { keep: true, ..Settings::new(version, "away") };
        let mut client = Client::connect(broker.local_addr(), &settings).await.unwrap();
        assert!(!client.session);
        client.subscribe("commands/#", 1).await;
        drop(client);
        away.push(settings);
    }
    let mut writer = Client::new(broker.local_addr(), Version::V4, "writer").await;
    writer.publish_many("commands/many", &missed).await;
    for settings in away {
        let mut client = Client::connect(broker.local_addr(), &settings).await.unwrap();
        assert!(client.session);
        for expected in &missed {
            assert_eq!(client.message().await.text(), expected, "{:?}", settings.version);
        }
    }
    broker.stop().await;
}

#[tokio::test]
async fn a_session_that_expired_brings_no_old_commands() {
    let _memory = MEMORY.read().await;
    let (broker, folder) = started().await;
    let settings = Settings { keep: true, expiry: 1, ..Settings::new(Version::V5, "away") };
    let mut writer = Client::new(broker.local_addr(), Version::V4, "writer").await;
    let mut client = Client::connect(broker.local_addr(), &settings).await.unwrap();
    client.subscribe("commands/#", 1).await;
    drop(client);
    writer.publish("commands/garage", "open", 1, false).await;
    // Also a restart in between must not make it younger.
    broker.stop().await;
    drop(writer);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let broker = broker::start(options(folder.path())).await.unwrap();
    let mut client = Client::connect(broker.local_addr(), &settings).await.unwrap();
    assert!(!client.session);
    client.subscribe("commands/#", 1).await;
    client.publish("commands/garage", "close", 1, false).await;
    assert_eq!(client.message().await.text(), "close");

    // And without a restart.
    drop(client);
    let mut writer = Client::new(broker.local_addr(), Version::V4, "writer").await;
    writer.publish("commands/garage", "open", 1, false).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut client = Client::connect(broker.local_addr(), &settings).await.unwrap();
    assert!(!client.session);
    client.subscribe("commands/#", 1).await;
    client.publish("commands/garage", "close", 1, false).await;
    assert_eq!(client.message().await.text(), "close");
    broker.stop().await;
}

#[tokio::test]
async fn a_shared_subscription_gives_each_message_to_one_member() {
    let _memory = MEMORY.read().await;
    let (broker, _folder) = started().await;
    let mut members = Vec::new();
    for version in BOTH {
        for n in 0..2 {
            let mut member = Client::new(broker.local_addr(), version, &format!("member{n}")).await;
            member.subscribe("$share/house/jobs/#", 1).await;
            members.push(member);
        }
    }
    let mut writer = Client::new(broker.local_addr(), Version::V5, "writer").await;
    writer.publish_many("jobs/now", &numbered(100, 4)).await;
    let mut got = Vec::new();
    // Each member's own end mark tells that nothing more is on its way to it.
    for (n, member) in members.iter_mut().enumerate() {
        member.subscribe(&format!("end/{n}"), 1).await;
        writer.publish(&format!("end/{n}"), "end", 1, false).await;
        let before = got.len();
        loop {
            let message = member.message().await;
            if message.text() == "end" {
                break;
            }
            got.push(message.text().to_owned());
        }
        assert!(got.len() > before, "member {n} was left out");
    }
    got.sort();
    assert_eq!(got, numbered(100, 4));
    broker.stop().await;
}

fn resident_bytes() -> usize {
    let mut text = String::new();
    std::fs::File::open("/proc/self/statm").unwrap().read_to_string(&mut text).unwrap();
    let pages: usize = text.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// Bytes that are no MQTT, or begin as MQTT and go wrong.
fn malformed(n: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(n);
    let mut noise: Vec<u8> = (0..random.usize(1..4096)).map(|_| random.u8(..)).collect();
    let connect = b"\x10\x10\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x03bad";
    match n % 5 {
        // A CONNECT that announces the longest packet there is.
        0 => noise.splice(0..0, *b"\x10\xff\xff\xff\x7f").count(),
        // A CONNECT whose inside is noise.
        1 => noise.splice(0..0, *b"\x10\x7f\x00\x04MQTT\x05").count(),
        // A proper CONNECT, then noise; then a PUBLISH to a topic that is not UTF-8.
        2 => noise.splice(0..0, *connect).count(),
        3 => noise.splice(0..0, connect.iter().copied().chain(*b"\x30\x05\x00\x03\xff\xfe\xfd")).count(),
        _ => 0,
    };
    noise
}

async fn say_nonsense(address: SocketAddr, n: u64) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The broker may close while this is written: that is its right.
    let _ = stream.write_all(&malformed(n)).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let closed = timeout(LIMIT, stream.read_to_end(&mut answer)).await;
    assert!(closed.is_ok(), "connection {n} was left open");
}

#[tokio::test]
async fn nonsense_costs_neither_the_others_nor_memory() {
    let _memory = MEMORY.write().await;
    let (broker, _folder) = started().await;
    let address = broker.local_addr();
    let mut reader = Client::new(address, Version::V4, "reader").await;
    reader.subscribe("still/#", 1).await;
    let mut before = 0;
    for round in 0..10 {
        let nonsense = (round * 60..(round + 1) * 60).map(|n| say_nonsense(address, n));
        futures_util::future::join_all(nonsense).await;
        reader.publish("still/here", format!("round {round}"), 1, false).await;
        assert_eq!(reader.message().await.text(), format!("round {round}"));
        // The first round is warm-up.
        if round == 0 {
            before = resident_bytes();
        }
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 20 * 1024 * 1024, "grown by {grown} bytes");
    Client::new(address, Version::V5, "newcomer").await;
    broker.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_retained_and_queued_messages() {
    let _memory = MEMORY.read().await;
    let (broker, folder) = started().await;
    let missed = numbered(1_000, 200);
    let away: Vec<_> = BOTH.map(|version| Settings { keep: true, ..Settings::new(version, "away") }).to_vec();
    for settings in &away {
        let mut client = Client::connect(broker.local_addr(), settings).await.unwrap();
        client.subscribe("commands/#", 1).await;
        client.leave().await;
    }
    let mut writer = Client::new(broker.local_addr(), Version::V5, "writer").await;
    writer.publish("home/lamp", "on", 1, true).await;
    writer.publish_many("commands/many", &missed).await;
    let stopping = Instant::now();
    broker.stop().await;
    println!("stopped with a client connected and 2,000 messages queued in {:?}", stopping.elapsed());
    drop(writer);

    let broker = broker::start(options(folder.path())).await.unwrap();
    for settings in &away {
        let mut client = Client::connect(broker.local_addr(), settings).await.unwrap();
        assert!(client.session, "{:?}", settings.version);
        for expected in &missed {
            assert_eq!(client.message().await.text(), expected, "{:?}", settings.version);
        }
    }
    let mut reader = Client::new(broker.local_addr(), Version::V4, "reader").await;
    reader.subscribe("home/#", 1).await;
    let message = reader.message().await;
    assert_eq!((message.text(), message.retain), ("on", true));
    broker.stop().await;
}

#[tokio::test]
async fn a_start_that_cannot_be_says_what_to_do() {
    let _memory = MEMORY.read().await;
    let (broker, folder) = started().await;
    let address = broker.local_addr();
    let other = tempfile::tempdir().unwrap();

    let in_use = refusal(BrokerOptions { listen: address, ..options(other.path()) }).await;
    assert_eq!(
        in_use,
        format!(
            "{address} is in use: another broker runs there; point mqtt.broker at it (mqtt://{address}) or set mqtt.listen \
             to a free port"
        )
    );
    let elsewhere = "192.0.2.1:1883".parse().unwrap();
    let not_here = refusal(BrokerOptions { listen: elsewhere, ..options(other.path()) }).await;
    assert!(not_here.starts_with("192.0.2.1:1883 is not an address of this machine; set mqtt.listen"), "{not_here}");
    let shared = refusal(options(folder.path())).await;
    assert!(shared.contains("is in use by another hearthd"), "{shared}");
    let file = other.path().join("state");
    std::fs::write(&file, b"").unwrap();
    let no_folder = refusal(options(&file)).await;
    assert!(no_folder.contains("state/broker cannot be written") && no_folder.contains("set state_dir"), "{no_folder}");
    broker.stop().await;
}

#[tokio::test]
async fn with_a_login_nobody_else_connects() {
    let _memory = MEMORY.read().await;
    let folder = tempfile::tempdir().unwrap();
    let login = Some(Login { username: "hearth".to_owned(), password: "s3cret".to_owned() });
    let broker = broker::start(BrokerOptions { login, ..options(folder.path()) }).await.unwrap();
    for version in BOTH {
        let try_with = async |login| {
            let settings = Settings { login, ..Settings::new(version, "somebody") };
            Client::connect(broker.local_addr(), &settings).await
        };
        // More wrong passwords than some brokers allow before they lock everybody on this machine out.
        for wrong in [None, Some(("hearth", "wrong")), Some(("nobody", "s3cret")), Some(("hearth", ""))].repeat(2) {
            assert!(try_with(wrong).await.is_err(), "{version:?} {wrong:?} got in");
        }
        let mut client = try_with(Some(("hearth", "s3cret"))).await.unwrap();
        client.subscribe("door/#", 1).await;
        client.publish("door/front", "open", 1, false).await;
        assert_eq!(client.message().await.text(), "open");
    }
    broker.stop().await;
}

/// Prints how long an echo takes; a connection with Nagle's algorithm on either side needs 40 ms and more.
#[tokio::test]
async fn an_echo_comes_back() {
    let _memory = MEMORY.read().await;
    let (broker, _folder) = started().await;
    for (version, qos) in [(Version::V4, 0), (Version::V4, 1), (Version::V5, 1)] {
        let mut asking = Client::new(broker.local_addr(), version, "asking").await;
        let mut echoing = Client::new(broker.local_addr(), version, "echoing").await;
        echoing.subscribe("ask", qos).await;
        asking.subscribe("answer", qos).await;
        let mut times = Vec::new();
        for n in 0..300 {
            let asked = Instant::now();
            asking.publish("ask", n.to_string(), qos, false).await;
            let heard = echoing.message().await;
            echoing.publish("answer", heard.payload, qos, false).await;
            assert_eq!(asking.message().await.text(), n.to_string());
            times.push(asked.elapsed());
        }
        times.sort();
        println!("echo {version:?} QoS {qos}: p50 {:?}, p99 {:?}", times[150], times[297]);
    }
    broker.stop().await;
}
