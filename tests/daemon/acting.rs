//! Devices that announce themselves, acted on through a real Mosquitto: each way in which a command can end, questions, and
//! what guards the house.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::client::{Client, Version};
use crate::home::{Home, Plan, Reply, ask, fresh, say};
use crate::mosquitto::Mosquitto;

/// Devices that do as they are told, after a moment: what they are sent, and what they report.
async fn obey(address: SocketAddr) -> JoinHandle<()> {
    let mut devices = Client::new(address, Version::V5, "obeying").await;
    devices.subscribe("house/+/set", 1).await;
    tokio::spawn(async move {
        loop {
            let message = devices.message().await;
            let Some(name) = message.topic.split('/').nth(1).map(str::to_owned) else { continue };
            let state = match (name.as_str(), message.text()) {
                // The one in the attic hears nothing.
                ("attic", _) => continue,
                (_, "LOCK") => "LOCKED".to_owned(),
                (_, "UNLOCK") => "UNLOCKED".to_owned(),
                (_, state) => state.to_owned(),
            };
            tokio::time::sleep(Duration::from_millis(30)).await;
            devices.publish(&format!("house/{name}"), state, 0, true).await;
        }
    })
}

fn announcements() -> Vec<(String, Value)> {
    let lamp = |id: &str, name: &str, area: &str| {
        let config = json!({
            "schema": "json", "brightness": true, "name": null, "uniq_id": id, "cmd_t": format!("house/{id}/set"),
            "stat_t": format!("house/{id}"), "avty_t": format!("house/{id}/online"),
            "dev": {"ids": [id], "name": name, "sa": area},
        });
        (format!("homeassistant/light/{id}/config"), config)
    };
    let simple = |component: &str, id: &str, name: &str, more: Value| {
        let mut config = json!({
            "name": name, "uniq_id": id, "cmd_t": format!("house/{id}/set"), "stat_t": format!("house/{id}"),
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        (format!("homeassistant/{component}/{id}/config"), config)
    };
    vec![
        lamp("bed", "Bedroom lamp", "Bedroom"),
        lamp("sofa", "Sofa lamp", "Living room"),
        lamp("shelf", "Shelf lamp", "Living room"),
        lamp("attic", "Attic lamp", "Attic"),
        lamp("garden", "Garden lamp", "Garden"),
        simple("lock", "front", "Front door", json!({"dev": {"ids": "front", "sa": "Hallway"}})),
        simple("cover", "garage", "Garage door", json!({"device_class": "garage"})),
        simple("binary_sensor", "window", "Bedroom window", json!({"device_class": "window"})),
        simple("sensor", "warmth", "Bedroom temperature", json!({"device_class": "temperature", "unit_of_meas": "°C"})),
        simple("sensor", "charge", "Front door battery", json!({"device_class": "battery", "unit_of_meas": "%"})),
        simple("sensor", "daylight", "Garden brightness", json!({"device_class": "illuminance", "unit_of_meas": "lx"})),
        simple("binary_sensor", "moves", "Hallway motion", json!({"device_class": "motion"})),
        simple("device_tracker", "ann", "Ann", json!({"dev": {"ids": "ann"}})),
    ]
}

/// A broker with devices, and the daemon that knows them.
async fn house(more: &str) -> (Mosquitto, Home, Client, JoinHandle<()>) {
    let broker = Mosquitto::start().await;
    let mut keeper = Client::new(broker.address, Version::V5, "announcing").await;
    let announcements = announcements();
    for (topic, config) in &announcements {
        keeper.publish(topic, config.to_string(), 1, true).await;
    }
    for (topic, payload) in [
        ("house/garden/online", "offline"),
        ("house/attic/online", "online"),
        ("house/window", "ON"),
        ("house/warmth", "19.5"),
        ("house/front", "LOCKED"),
        ("house/charge", "85"),
        ("house/daylight", "12000"),
        ("house/moves", "OFF"),
        ("house/ann", "home"),
    ] {
        keeper.publish(topic, payload, 1, true).await;
    }
    keeper.leave().await;
    let devices = obey(broker.address).await;
    let mut plan = Plan::at(broker.address);
    plan.more = more.to_owned();
    let home = Home::start(&plan).await;
    let mut client = home.client(Version::V5).await;
    known(&mut client, announcements.len()).await;
    (broker, home, client, devices)
}

/// Waits until the daemon knows so many devices.
pub(crate) async fn known(client: &mut Client, count: usize) {
    loop {
        let message = client.message().await;
        let info = || serde_json::from_slice::<Value>(&message.payload).unwrap();
        if message.topic == "hearthd/info" && info()["devices"] == count {
            return;
        }
    }
}

/// What devices were told, without what they reported.
fn told(reply: &Reply) -> Vec<(&str, &str)> {
    let commands = reply.commands.iter().map(|(topic, payload)| (topic.as_str(), payload.as_str()));
    commands.filter(|(topic, _)| topic.ends_with("/set")).collect()
}

#[tokio::test]
async fn each_end_of_a_command_is_told_as_it_was() {
    let (_broker, _home, mut client, devices) = house("").await;
    let reply = say(&mut client, "turn on the bedroom lamp").await;
    assert_eq!(told(&reply), [("house/bed/set", r#"{"state":"ON"}"#)]);
    assert_eq!(reply.text(), "Turned on the bedroom lamp.", "{}", reply.last);
    let action = json!({
        "topic": "house/bed/set", "payload": r#"{"state":"ON"}"#, "device": "bedroom lamp", "outcome": "confirmed",
    });
    assert_eq!(reply.last["actions"], json!([action]));
    let reply = say(&mut client, "turn on the bedroom lamp").await;
    assert_eq!(reply.text(), "The bedroom lamp is already on.");
    let began = Instant::now();
    let reply = say(&mut client, "turn on the attic lamp").await;
    assert_eq!(reply.text(), "I sent it, but the attic lamp has not answered.");
    assert_eq!(reply.last["actions"][0]["outcome"], "unanswered");
    assert!(began.elapsed() >= Duration::from_millis(1_400), "it was waited for");
    let reply = say(&mut client, "turn on the garden lamp").await;
    assert_eq!((reply.code(), told(&reply).len()), ("device_offline", 0), "{}", reply.last);
    let lights = json!({"text": "turn on the lights", "id": fresh("lights"), "site_id": "living_room"});
    let reply = ask(&mut client, &lights).await;
    assert_eq!(told(&reply).len(), 2, "{:?}", reply.commands);
    assert_eq!(reply.text(), "Turned on 2 lights in the living room.");
    let reply = say(&mut client, "turn off all the lights").await;
    assert_eq!(told(&reply).len(), 4, "all but the one that is offline");
    assert!(reply.text().starts_with("Turned off 3 lights."), "{}", reply.text());
    assert!(reply.text().ends_with("The garden lamp is offline."), "{}", reply.text());
    let reply = say(&mut client, "make the bedroom lamp red").await;
    assert_eq!(reply.code(), "not_supported", "{}", reply.last);
    // The shipped example of a home counts no more.
    let reply = say(&mut client, "turn on the coffee machine").await;
    assert_eq!((reply.code(), reply.commands.len()), ("not_understood", 0), "{}", reply.last);
    devices.abort();
}

#[tokio::test]
async fn questions_are_answered_from_what_was_reported() {
    let floors = "areas:\n  Bedroom: {floor: Upstairs}\n  Attic: {floor: Upstairs}\n";
    let (_broker, _home, mut client, devices) = house(floors).await;
    for (question, answer) in [
        ("which windows are open upstairs", "Yes, the bedroom window is open."),
        ("what's the battery of the front door", "The front door battery is 85 %."),
        ("is there motion in the hallway", "No, there is no motion in the hallway."),
        ("is anybody in the hallway", "No, nobody is in the hallway."),
        ("who is home", "Ann is at home."),
        ("is ann home", "Yes, Ann is at home."),
        ("how bright is the garden brightness", "The garden brightness is 12000 lx."),
        ("how warm is it upstairs", "It is 19.5 °C upstairs."),
        ("is the garage door closed", "I do not know: the garage door has not said."),
        ("is the bedroom window open", "Yes, the bedroom window is open."),
        ("are any windows open", "Yes, the bedroom window is open."),
        ("is the front door locked", "Yes, the front door is locked."),
        ("how warm is it in the bedroom", "It is 19.5 °C in the bedroom."),
        ("is the bedroom lamp on", "I do not know: the bedroom lamp has not said."),
    ] {
        let reply = say(&mut client, question).await;
        assert_eq!((reply.text(), told(&reply).len()), (answer, 0), "{question}: {}", reply.last);
    }
    let reply = say(&mut client, "is there a water leak").await;
    assert_eq!(reply.last["error"]["message"], "there are no moisture sensors that are known");
    say(&mut client, "turn on the sofa lamp").await;
    let reply = say(&mut client, "how bright is the sofa lamp").await;
    assert_eq!(reply.text(), "The sofa lamp is on.");
    let reply = say(&mut client, "how many lights are on").await;
    assert!(reply.text().starts_with("Yes, the sofa lamp is on."), "{}", reply.text());
    devices.abort();
}

#[tokio::test]
async fn a_lock_opens_after_a_yes_of_the_same_person_at_the_same_site() {
    let (_broker, mut home, mut client, devices) = house("").await;
    let at = |site: &str, text: &str| json!({"text": text, "id": fresh("guarded"), "site_id": site, "user_id": "ann"});
    let unlock = at("hallway", "unlock the front door");
    let reply = ask(&mut client, &unlock).await;
    assert_eq!(reply.text(), "Unlock the front door? Say yes within 30 seconds.");
    assert_eq!(told(&reply).len(), 0);
    let reply = ask(&mut client, &at("kitchen", "yes")).await;
    assert_eq!((reply.text(), told(&reply).len()), ("There is nothing to say yes to.", 0));
    let yes = at("hallway", "yes");
    let reply = ask(&mut client, &yes).await;
    assert_eq!(told(&reply), [("house/front/set", "UNLOCK")], "{}", reply.last);
    assert_eq!(reply.text(), "Unlocked the front door.");
    // Said again by the network, and by somebody.
    let reply = ask(&mut client, &yes).await;
    assert_eq!((&reply.last["duplicate"], told(&reply).len()), (&json!(true), 0));
    let reply = ask(&mut client, &at("hallway", "yes")).await;
    assert_eq!(told(&reply).len(), 0);
    let reply = ask(&mut client, &at("hallway", "lock the front door")).await;
    assert_eq!(reply.text(), "Locked the front door.", "locking needs no yes: {}", reply.last);
    let reply = ask(&mut client, &at("hallway", "open the garage door")).await;
    assert_eq!((reply.text(), told(&reply).len()), ("Open the garage door? Say yes within 30 seconds.", 0));
    // What was asked before a restart is not answered after it.
    home.signal(Signal::SIGTERM);
    home.ended().await;
    home.launch();
    home.wait_online().await;
    known(&mut client, announcements().len()).await;
    let reply = ask(&mut client, &at("hallway", "yes")).await;
    assert_eq!((reply.text(), told(&reply).len()), ("There is nothing to say yes to.", 0));
    devices.abort();
}

#[tokio::test]
async fn a_pin_is_asked_for_and_never_shown() {
    let (_broker, home, mut client, devices) =
        house("home: {pin: \"4711\"}\nlog: {utterances: true, level: debug}\n").await;
    for (pin, is_right) in [("4712", false), ("four seven one one", true)] {
        say(&mut client, "unlock the front door").await;
        let reply = say(&mut client, "yes").await;
        assert_eq!((reply.text(), told(&reply).len()), ("Say the PIN.", 0));
        let reply = say(&mut client, pin).await;
        assert_eq!(told(&reply).len(), usize::from(is_right), "{}", reply.last);
        assert!(!reply.last.to_string().contains(pin), "{}", reply.last);
        assert!(!home.log().contains(pin), "{}", home.log());
    }
    devices.abort();
}

#[tokio::test]
async fn words_of_the_config_count_for_devices() {
    let more = "areas:\n  Den: {aliases: [snug]}\nsites: {tablet-1: Den}\nhome: {confirm_within: 300ms}\ndevices:\n  \
                Sofa lamp: {area: Den, aliases: [big lamp]}\n  Shelf lamp: {hidden: true}\n  Heater:\n    area: Den\n    \
                mqtt: {platform: switch, command_topic: house/heater/set, state_topic: house/heater}\n  \
                Television:\n    area: Den\n    mqtt: {platform: media_player, source_command_topic: house/tv/set, \
                source_state_topic: house/tv, sources: [HDMI 1, Radio]}\n";
    let broker = Mosquitto::start().await;
    let mut keeper = Client::new(broker.address, Version::V5, "announcing").await;
    for (topic, config) in announcements() {
        keeper.publish(&topic, config.to_string(), 1, true).await;
    }
    let devices = obey(broker.address).await;
    let mut plan = Plan::at(broker.address);
    plan.more = more.to_owned();
    let home = Home::start(&plan).await;
    let mut client = home.client(Version::V5).await;
    known(&mut client, announcements().len() + 1).await;
    let here = |text: &str| json!({"text": text, "id": fresh("den"), "site_id": "tablet-1"});
    let reply = say(&mut client, "turn on the big lamp").await;
    assert_eq!(told(&reply), [("house/sofa/set", r#"{"state":"ON"}"#)], "{}", reply.last);
    let reply = ask(&mut client, &here("turn off the lights")).await;
    assert_eq!(told(&reply), [("house/sofa/set", r#"{"state":"OFF"}"#)], "{}", reply.last);
    let reply = say(&mut client, "turn on the heater").await;
    assert_eq!((told(&reply), reply.text()), (vec![("house/heater/set", "ON")], "Turned on the heater."));
    let reply = say(&mut client, "switch the television to hdmi 1").await;
    assert_eq!((told(&reply), reply.text()), (vec![("house/tv/set", "HDMI 1")], "Set the television to HDMI 1."));
    let reply = ask(&mut client, &here("change the input to hdmi 7")).await;
    assert_eq!(reply.last["error"]["message"], "the television knows HDMI 1 and Radio", "{}", reply.last);
    let reply = say(&mut client, "turn on the shelf lamp").await;
    assert_eq!(told(&reply).len(), 0, "{}", reply.last);
    let reply = say(&mut client, "turn off the lights in the snug").await;
    assert_eq!(told(&reply), [("house/sofa/set", r#"{"state":"OFF"}"#)], "{}", reply.last);
    devices.abort();
}

/// What somebody might say who wants in: 1,000 sentences and more, none of them a yes.
fn paraphrases() -> Vec<String> {
    let openings = ["", "please ", "could you ", "yes, ", "turn on the sofa lamp and "];
    let verbs = ["unlock", "open", "turn off", "unlok", "open up", "release", "set to unlocked", "disable", "toggle"];
    let things = [
        "the front door",
        "front door",
        "the lock",
        "all the locks",
        "all doors",
        "the hallway door",
        "the frnt door",
        "everything",
        "it",
        "the garage door",
        "the garage",
        "all covers",
        "the front door lock",
    ];
    let endings = ["", " now"];
    let mut all = Vec::new();
    for opening in openings {
        for verb in verbs {
            all.extend(things.iter().flat_map(|thing| endings.map(|end| format!("{opening}{verb} {thing}{end}"))));
        }
    }
    all
}

#[tokio::test]
async fn a_thousand_paraphrases_open_nothing_without_a_yes() {
    let (_broker, _home, mut client, devices) = house("").await;
    let all = paraphrases();
    assert!(all.len() > 1_000, "{}", all.len());
    let (mut asked, mut opened) = (0, Vec::new());
    for text in all {
        let utterance = json!({"text": text, "id": fresh("open"), "tier": "intent", "stream": false});
        let reply = ask(&mut client, &utterance).await;
        asked += usize::from(reply.text().ends_with("Say yes within 30 seconds."));
        let is_opened = |(topic, payload): &(&str, &str)| {
            (*topic == "house/front/set" && *payload != "LOCK") || (*topic == "house/garage/set" && *payload != "CLOSE")
        };
        opened.extend(told(&reply).iter().filter(|told| is_opened(told)).map(|told| format!("{text}: {told:?}")));
    }
    assert_eq!(opened, Vec::<String>::new());
    assert!(asked >= 10, "they are understood and asked about: {asked}");
    devices.abort();
}
