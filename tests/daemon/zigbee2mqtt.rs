//! A real `Zigbee2MQTT` between hearthd and two lamps: everything is its own but the radio, for which `stand_in.cjs` answers.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::client::{LIMIT, Version};
use crate::home::{Home, Plan, say};
use crate::mosquitto::Mosquitto;
use crate::program::{self, Program};

const LAMPS: [(&str, &str); 2] = [("0x000b57fffec6a5b2", "Kitchen table"), ("0x000b57fffec6a5b3", "Kitchen counter")];
const COORDINATOR: &str = "0x00124b00120144ae";

fn program() -> Option<PathBuf> {
    let path = "target/zigbee2mqtt/node_modules/zigbee2mqtt/index.js";
    program::fetched("Zigbee2MQTT", path, ".ci/zigbee2mqtt", "Node 20 and npm")
}

fn start(program: &Path, broker: SocketAddr, announces: bool) -> Program {
    let folder = tempfile::tempdir().unwrap();
    let config = json!({
        "version": 5,
        "mqtt": {"server": format!("mqtt://{broker}"), "base_topic": "zigbee2mqtt"},
        "serial": {"port": "/dev/null", "adapter": "ember"},
        "advanced": {"log_output": ["console"], "network_key": (1..=16).collect::<Vec<u8>>(), "pan_id": 6_754, "channel": 11},
        "frontend": {"enabled": false}, "homeassistant": {"enabled": announces}, "availability": {"enabled": true},
        "devices": LAMPS.map(|(address, name)| (address.to_owned(), json!({"friendly_name": name})))
            .into_iter().collect::<serde_json::Map<_, _>>(),
        "groups": {"1": {"friendly_name": "Kitchen lamps"}},
    });
    // JSON is YAML.
    fs::write(folder.path().join("configuration.yaml"), config.to_string()).unwrap();
    let rows: Vec<String> = database().iter().map(Value::to_string).collect();
    fs::write(folder.path().join("database.db"), rows.join("\n") + "\n").unwrap();
    let stand_in = program::file("tests/zigbee2mqtt/stand_in.cjs");
    let mut command = Command::new("node");
    command.arg("--require").arg(stand_in).arg(program).env("ZIGBEE2MQTT_DATA", folder.path());
    // Inside a working tree it takes that for its own, and would build itself anew.
    command.current_dir(folder.path());
    Program::start(&mut command, folder)
}

/// What `Zigbee2MQTT` keeps of a coordinator, two lamps that it has met before, and the group of both.
fn database() -> Vec<Value> {
    let endpoint = |kind: u16, clusters: &[u16]| {
        json!({"1": {
            "profId": 260, "epId": 1, "devId": kind, "inClusterList": clusters, "outClusterList": [], "clusters": {},
            "binds": [], "configuredReportings": [], "meta": {},
        }})
    };
    let mut rows = vec![json!({
        "id": 1, "type": "Coordinator", "ieeeAddr": COORDINATOR, "nwkAddr": 0, "manufId": 0, "epList": [1],
        "endpoints": endpoint(5, &[]), "interviewCompleted": true, "interviewState": "SUCCESSFUL", "meta": {},
    })];
    // One that was not seen lately is offline at the start.
    let seen = u64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    for (number, (address, _)) in LAMPS.iter().enumerate() {
        rows.push(json!({
            "id": number + 2, "type": "Router", "ieeeAddr": address, "nwkAddr": 40_369 + number, "manufId": 4_476,
            "manufName": "IKEA of Sweden", "powerSource": "Mains (single phase)", "modelId": "TRADFRI bulb E27 WS opal 980lm",
            "epList": [1], "endpoints": endpoint(258, &[0, 3, 4, 5, 6, 8, 768, 2_821, 4_096]), "interviewCompleted": true,
            "interviewState": "SUCCESSFUL", "meta": {"configured": 1}, "lastSeen": seen,
        }));
    }
    let members = LAMPS.map(|(address, _)| json!({"deviceIeeeAddr": address, "endpointID": 1}));
    rows.push(json!({"id": 9, "type": "Group", "groupID": 1, "members": members, "meta": {}}));
    rows
}

/// What is said, and what comes of it.
const DIALOGUE: [(&str, &str); 8] = [
    ("turn on the kitchen table", "Turned on the kitchen table."),
    ("turn on the kitchen table", "The kitchen table is already on."),
    ("set the kitchen table to 40 percent", "Set the kitchen table to 40 percent."),
    ("is the kitchen table on", "Yes, the kitchen table is on, 40 %."),
    ("make the kitchen counter warm white", "Set the kitchen counter to 2700 K."),
    ("turn off the lights in the kitchen", "Turned off 2 lights in the kitchen."),
    ("turn on the kitchen lamps", "Turned on the kitchen lamps."),
    ("are the kitchen lamps on", "Yes, the kitchen lamps are on, 40 %."),
];

async fn obeys(announces: bool) {
    let Some(program) = program() else { return };
    let broker = Mosquitto::start().await;
    let home = Home::start(&Plan::at(broker.address)).await;
    let mut client = home.client(Version::V5).await;
    let bridge = start(&program, broker.address, announces);
    let began = Instant::now();
    while say(&mut client, "turn off the kitchen table").await.code() != "ok" {
        assert!(began.elapsed() < LIMIT, "the bridge does not come up");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for (text, answer) in DIALOGUE {
        let reply = say(&mut client, text).await;
        assert_eq!(reply.text(), answer, "{text}: {}", reply.last);
        if text == "turn off the lights in the kitchen" {
            assert_eq!(reply.last["actions"].as_array().unwrap().len(), 1, "one message: {}", reply.last);
        }
    }
    assert!(bridge.log().contains("stand-in: group 1 genOnOff"), "the group was told over the radio");
}

#[tokio::test]
async fn a_real_bridge_is_read_and_obeys_by_its_own_lists() {
    obeys(false).await;
}

#[tokio::test]
async fn a_real_bridge_is_read_and_obeys_by_what_it_tells_home_assistant() {
    obeys(true).await;
}
