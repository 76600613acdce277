//! Devices that say what they are only when they are asked: who was asked, and what is still to be asked.

use std::collections::HashSet;

use super::discovery::shelly;
use super::{House, Message};

/// Devices that are asked.
const MOST_ASKED: usize = 500;

/// Who was asked since the connection was made, and the questions that nobody has sent yet.
#[derive(Debug, Default)]
pub(super) struct Asked {
    asked: HashSet<String>,
    questions: Vec<Message>,
}

impl House {
    /// Asks whoever says that it is online, once until it was away.
    pub(super) fn meet(&mut self, topic: &str, payload: &[u8]) {
        let Some(who) = shelly::who(topic) else { return };
        let Asked { asked, questions } = &mut self.asked;
        if payload != b"true" {
            asked.remove(who);
        } else if asked.len() < MOST_ASKED && self.reserved.objection(topic).is_none() && asked.insert(who.to_owned()) {
            questions.extend(shelly::questions(who));
        }
    }

    /// What is to be asked, to be sent as it is.
    pub fn questions(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.asked.questions)
    }

    /// Lets everybody be asked again: after a time in which nothing was heard.
    pub fn ask_again(&mut self) {
        self.asked = Asked::default();
    }
}
