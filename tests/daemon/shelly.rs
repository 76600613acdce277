//! Shelly's devices of both generations, stood in for by clients that speak as they do, on a real Mosquitto.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::acting::known;
use crate::client::{Client, Version};
use crate::home::{Home, Plan, say};
use crate::mosquitto::Mosquitto;

/// A plug of the second generation: it answers calls, and tells of changes a few fields at a time.
async fn plug(address: SocketAddr) -> JoinHandle<()> {
    let mut plug = Client::new(address, Version::V4, "shellyplus").await;
    plug.subscribe("kettle/rpc", 1).await;
    plug.publish("kettle/online", "true", 1, true).await;
    tokio::spawn(async move {
        let mut output = false;
        loop {
            let call: Value = serde_json::from_str(plug.message().await.text()).unwrap();
            let result = match call["method"].as_str().unwrap() {
                "Shelly.GetConfig" => {
                    json!({"sys": {"device": {"name": "Kitchen kettle"}}, "switch:0": {"id": 0, "name": null}, "cloud": {}})
                }
                "Shelly.GetStatus" => json!({"switch:0": {"id": 0, "output": output, "apower": 0.0}}),
                "Switch.Set" => {
                    let was = std::mem::replace(&mut output, call["params"]["on"].as_bool().unwrap());
                    for change in [json!({"id": 0, "output": output}), json!({"id": 0, "apower": 1_800.0})] {
                        let notify =
                            json!({"src": "shellyplus-1", "method": "NotifyStatus", "params": {"switch:0": change}});
                        plug.publish("kettle/events/rpc", notify.to_string(), 0, false).await;
                    }
                    json!({"was_on": was})
                }
                other => panic!("{other}"),
            };
            let answer = json!({"id": call["id"], "src": "shellyplus-1", "dst": call["src"], "result": result});
            let topic = format!("{}/rpc", call["src"].as_str().unwrap());
            plug.publish(&topic, answer.to_string(), 0, false).await;
        }
    })
}

/// A relay of the first generation, which says what it is when everybody is called.
async fn relay(address: SocketAddr) -> JoinHandle<()> {
    let mut relay = Client::new(address, Version::V4, "shelly1").await;
    relay.subscribe("shellies/command", 1).await;
    relay.subscribe("shellies/shelly1-B9/relay/0/command", 1).await;
    tokio::spawn(async move {
        loop {
            let message = relay.message().await;
            if message.text() == "announce" {
                let about = json!({"id": "shelly1-B9", "model": "SHSW-1", "mac": "B9", "new_fw": false});
                relay.publish("shellies/shelly1-B9/announce", about.to_string(), 0, false).await;
            } else {
                let state = message.text().to_owned();
                relay.publish("shellies/shelly1-B9/relay/0", state, 0, false).await;
            }
        }
    })
}

/// What hearthd prints for these arguments.
async fn told(home: &Home, arguments: &[&str]) -> Value {
    let mut command = home.hearthd();
    command.args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[tokio::test]
async fn both_generations_are_asked_what_they_are_and_do_as_they_are_told() {
    let broker = Mosquitto::start().await;
    let devices = [plug(broker.address).await, relay(broker.address).await];
    let mut plan = Plan::at(broker.address);
    plan.more = "devices:\n  shelly1-B9:\n    name: hall lamp\n".to_owned();
    let home = Home::start(&plan).await;
    let mut client = home.client(Version::V5).await;
    known(&mut client, 2).await;
    for (text, answer) in [
        ("turn on the kitchen kettle", "Turned on the kitchen kettle."),
        ("turn on the kitchen kettle", "The kitchen kettle is already on."),
        ("is the kitchen kettle on", "Yes, the kitchen kettle is on."),
        ("turn off the kitchen kettle", "Turned off the kitchen kettle."),
        ("turn on the hall lamp", "Turned on the hall lamp."),
        ("turn off the hall lamp", "Turned off the hall lamp."),
        ("turn on the hall lamp", "Turned on the hall lamp."),
        ("turn it off again", "Turned off the hall lamp."),
    ] {
        let reply = say(&mut client, text).await;
        assert_eq!(reply.text(), answer, "{text}: {}", reply.last);
    }
    // Programs of their own ask as well: the list, and what a sentence would do.
    let listed = told(&home, &["devices", "--json"]).await;
    let names: Vec<&str> =
        listed["devices"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["Kitchen kettle", "hall lamp"], "{listed}");
    let matched = told(&home, &["match", "--devices", "--json", "turn off the hall lamp"]).await;
    let action = json!({"topic": "shellies/shelly1-B9/relay/0/command", "payload": "off", "device": "hall lamp"});
    assert_eq!(matched["intent"]["actions"], json!([action]), "{matched}");
    devices.iter().for_each(JoinHandle::abort);
}

#[tokio::test]
async fn a_room_whose_lamps_are_a_group_is_switched_by_one_message() {
    let broker = Mosquitto::start().await;
    let mut bridge = Client::new(broker.address, Version::V4, "zigbee2mqtt").await;
    let state = json!({"name": "state", "property": "state", "access": 7, "value_on": "ON", "value_off": "OFF"});
    let names = ["Kitchen table", "Kitchen counter"];
    let lamp = |name: &str| {
        let exposes = json!([{"type": "light", "features": [state]}]);
        json!({"ieee_address": format!("0x{name}"), "friendly_name": name, "definition": {"exposes": exposes}})
    };
    let members = names.map(|name| json!({"ieee_address": format!("0x{name}"), "endpoint": 1}));
    let groups = json!([{"id": 1, "friendly_name": "Kitchen lamps", "members": members, "scenes": []}]);
    bridge.publish("zigbee2mqtt/bridge/devices", json!(names.map(lamp)).to_string(), 1, true).await;
    bridge.publish("zigbee2mqtt/bridge/groups", groups.to_string(), 1, true).await;
    bridge.subscribe("zigbee2mqtt/+/set", 1).await;
    let home = Home::start(&Plan::at(broker.address)).await;
    let mut client = home.client(Version::V5).await;
    known(&mut client, 3).await;
    let obeying = tokio::spawn(async move {
        let message = bridge.message().await;
        assert_eq!(message.topic, "zigbee2mqtt/Kitchen lamps/set");
        for name in names {
            bridge.publish(&format!("zigbee2mqtt/{name}"), message.text().to_owned(), 1, true).await;
        }
    });
    let reply = say(&mut client, "turn off the lights in the kitchen").await;
    assert_eq!(reply.text(), "Turned off 2 lights in the kitchen.", "{}", reply.last);
    let sent = json!([{
        "topic": "zigbee2mqtt/Kitchen lamps/set", "payload": r#"{"state":"OFF"}"#, "device": "kitchen lamps",
        "outcome": "confirmed",
    }]);
    assert_eq!(reply.last["actions"], sent);
    obeying.await.unwrap();
}
