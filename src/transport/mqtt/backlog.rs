//! Messages between their arrival and their reading: while replies leave too slowly they wait here, not acknowledged, until
//! there is room for what answers them.
//!
//! A broker may be told how many messages it may deliver without an acknowledgement, but Mosquitto 2.0.11 forgets that once
//! more wait (measured: 9,600 in place of 1,024).

use std::collections::VecDeque;

use super::link::Message;

/// Messages kept; what comes beyond is refused.
const MAX_MESSAGES: usize = 16_384;
/// Bytes of their payloads kept.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// What waits to be read, in the order in which it came.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    messages: VecDeque<Message>,
    bytes: usize,
}

impl Backlog {
    /// Takes a message to the end, or gives it back where there is no room.
    pub(super) fn push(&mut self, message: Box<Message>) -> Result<(), Box<Message>> {
        let bytes = self.bytes + message.payload.len();
        if self.messages.len() >= MAX_MESSAGES || bytes > MAX_BYTES {
            return Err(message);
        }
        self.bytes = bytes;
        self.messages.push_back(*message);
        Ok(())
    }

    /// The one that came first.
    pub(super) fn pop(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.payload.len();
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use bytes::Bytes;
    use rumqttc::{Publish, QoS};

    use super::{Backlog, MAX_BYTES, MAX_MESSAGES};
    use crate::transport::mqtt::link::{Message, Receipt};

    fn message(topic: &str, bytes: usize) -> Box<Message> {
        Box::new(Message {
            topic: topic.to_owned(),
            payload: Bytes::from(vec![b'x'; bytes]),
            retain: false,
            response_topic: None,
            correlation: None,
            expiry: None,
            arrived: Instant::now(),
            receipt: Receipt::V311(Publish::new(topic, QoS::AtLeastOnce, "")),
        })
    }

    #[test]
    fn messages_wait_in_order_and_what_has_no_room_comes_back() {
        let mut backlog = Backlog::default();
        for number in 0..MAX_MESSAGES {
            backlog.push(message(&number.to_string(), 1)).unwrap();
        }
        assert_eq!(backlog.push(message("beyond", 1)).unwrap_err().topic, "beyond");
        let topics: Vec<String> = std::iter::from_fn(|| backlog.pop()).map(|message| message.topic).collect();
        assert!(topics.iter().eq(&(0..MAX_MESSAGES).map(|number| number.to_string()).collect::<Vec<_>>()));
        assert!(backlog.pop().is_none());
    }

    #[test]
    fn large_ones_take_more_room() {
        let mut backlog = Backlog::default();
        backlog.push(message("large", MAX_BYTES)).unwrap();
        assert!(backlog.push(message("one more", 1)).is_err());
        assert!(backlog.pop().is_some());
        backlog.push(message("one more", 1)).unwrap();
    }
}
