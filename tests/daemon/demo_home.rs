//! The simulated house as a process of its own, beside the daemon on a real Mosquitto.

use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::acting::known;
use crate::client::Version;
use crate::home::{Home, Plan, ask, fresh, say};
use crate::mosquitto::Mosquitto;

/// `hearthd demo-home`, which is told to end at the test's end.
pub(crate) struct House(Child);

impl House {
    pub(crate) fn start(home: &Home) -> Self {
        let mut command = home.hearthd();
        command.args(["demo-home", "--quiet"]).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }

    fn stop(&mut self) -> Option<i32> {
        kill(Pid::from_raw(self.0.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One after the other, each leaning on the one before.
const DIALOGUE: [(&str, &str); 49] = [
    ("undo that", ""),
    ("turn on the reading lamp", ""),
    ("cancel that", "All right."),
    ("the bedroom one", ""),
    ("turn on the reading lamp", ""),
    ("the bedroom one", "Turned on the reading lamp."),
    ("turn on the kitchen light", "Turned on the kitchen light."),
    ("turn it off again", "Turned off the kitchen light."),
    ("turn it on", "Turned on the kitchen light."),
    ("set it to 40 percent", "Set the kitchen light to 40 percent."),
    ("a bit brighter", "Set the kitchen light to 60 %."),
    ("undo that", "Set the kitchen light to 40 %."),
    ("and in the bedroom?", "Set the bedroom light to 20 %."),
    ("undo that", "Turned off the bedroom light."),
    ("is the kitchen light on", "Yes, the kitchen light is on, 40 %."),
    ("and the bedroom?", "No, the bedroom light is off."),
    ("turn off the reading lamp in the bedroom", "Turned off the reading lamp."),
    ("turn it on", "Turned on the reading lamp."),
    ("no, the other one", "Turned on the reading lamp."),
    ("undo that", "Turned off the reading lamp."),
    ("turn off the lights in the kitchen", "Turned off the kitchen light."),
    ("turn them on", "Turned on the kitchen light."),
    // What guards the house is asked about as ever, and never opened by taking something back.
    ("unlock the front door", "Unlock the front door? Say yes within 30 seconds."),
    ("yes", "Unlocked the front door."),
    ("undo that", "Locked the front door."),
    ("undo that", ""),
    ("unlock it", "Unlock the front door? Say yes within 30 seconds."),
    ("no", "All right, nothing was done."),
    (
        "turn off the kitchen light and set a timer for 8 minutes",
        "Turned off the kitchen light. Timer set for 8 minutes.",
    ),
    ("cancel that", "Turned on the kitchen light. Cancelled the 8 minute timer."),
    ("activate movie night and set a timer for 7 minutes", "Activated movie night. Timer set for 7 minutes."),
    (
        "cancel that",
        "Cancelled the 7 minute timer. As for the rest: it is not known how the movie night was before; say what it is \
         to do.",
    ),
    ("set a timer for 9 minutes", "Timer set for 9 minutes."),
    ("unlock the front door", "Unlock the front door? Say yes within 30 seconds."),
    ("cancel that", "All right, nothing was done."),
    ("cancel that", "Cancelled the 9 minute timer."),
    ("set the bedroom radiator to 22 degrees", "Set the bedroom radiator to 22 degrees."),
    ("a bit warmer", "Set the bedroom radiator to 23 °C."),
    ("set it to eco", "Set the bedroom radiator to eco."),
    (
        "which preset is the bedroom radiator set to",
        "The bedroom radiator is in heat mode, 19.5 °C, set to 23 °C, preset eco.",
    ),
    ("put the bedroom radiator in eco mode", "The bedroom radiator is already set to eco."),
    ("undo that", ""),
    ("set the bedroom radiator to comfort", "Set the bedroom radiator to comfort."),
    ("undo that", "Set the bedroom radiator to eco."),
    ("end the eco preset of the bedroom radiator", "Ended the preset of the bedroom radiator."),
    ("start robby", "Started Robby."),
    ("is robby cleaning", "Yes, Robby is cleaning."),
    ("is robby docked", "No, Robby is cleaning."),
    ("send it back to its dock", "Sending Robby back to its dock."),
];

#[tokio::test]
async fn what_leans_on_a_command_is_understood() {
    let broker = Mosquitto::start().await;
    let home = Home::start(&Plan::at(broker.address)).await;
    let mut client = home.client(Version::V5).await;
    let _house = House::start(&home);
    known(&mut client, 31).await;
    for (text, answer) in DIALOGUE {
        let reply = say(&mut client, text).await;
        assert_eq!(reply.text(), answer, "{text}: {}", reply.last);
    }
    // What was spoken of is nearer than the room; what leans on nothing is about the room.
    for (text, answer) in [
        ("turn on the bedroom light", "Turned on the bedroom light."),
        ("set the bedroom light to 30 percent", "Set the bedroom light to 30 percent."),
        ("a bit brighter", "Set the bedroom light to 50 %."),
        ("is ann home", "Yes, Ann is at home."),
        ("a bit brighter", "Set 2 lights in the living room to 20 %."),
        ("the light is on", ""),
    ] {
        let here = json!({"text": text, "id": fresh("here"), "user_id": "carol", "site_id": "living_room"});
        let reply = ask(&mut client, &here).await;
        assert_eq!(reply.text(), answer, "{text}: {}", reply.last);
    }
    // Somebody else said nothing that could be leaned on.
    let other = json!({"text": "turn it off again", "id": fresh("other"), "user_id": "bob"});
    assert_eq!(ask(&mut client, &other).await.code(), "not_understood");
}

#[tokio::test]
async fn the_simulated_house_does_as_it_is_told_and_goes_away() {
    let broker = Mosquitto::start().await;
    let home = Home::start(&Plan::at(broker.address)).await;
    let mut client = home.client(Version::V5).await;
    let mut house = House::start(&home);
    known(&mut client, 31).await;
    for (text, answer) in [
        ("turn on the kitchen light", "Turned on the kitchen light."),
        ("set the kitchen light to 30 percent", "Set the kitchen light to 30 percent."),
        ("turn on the attic light", "I sent it, but the attic light has not answered."),
        ("set the living room blinds to 40 percent", "Moving the living room blinds to 40 %."),
        ("are any windows open", "1 of 2 windows is open: the bedroom window."),
        ("how warm is it in the kitchen", "It is 21.5 °C in the kitchen."),
        ("unlock the front door", "Unlock the front door? Say yes within 30 seconds."),
        ("yes", "Unlocked the front door."),
        ("is the front door locked", "No, the front door is unlocked."),
        ("is ann home", "Yes, Ann is at home."),
    ] {
        let reply = say(&mut client, text).await;
        assert_eq!(reply.text(), answer, "{text}: {}", reply.last);
    }
    let reply = say(&mut client, "turn on the garden light").await;
    assert_eq!(reply.code(), "device_offline", "{}", reply.last);
    let lights = json!({"text": "turn off the lights", "id": fresh("lights"), "site_id": "kitchen"});
    assert_eq!(ask(&mut client, &lights).await.text(), "Turned off the kitchen light.");
    assert_eq!(house.stop(), Some(0));
    known(&mut client, 0).await;
    // Nothing of it stays at the broker.
    let mut later = home.client(Version::V5).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    say(&mut client, "what time is it").await;
    loop {
        let message = later.message().await;
        assert!(!message.retain || message.topic.starts_with("hearthd/"), "{} stayed", message.topic);
        if message.topic.starts_with("hearthd/reply/") {
            return;
        }
    }
}
