//! Everything that is to be published, kept until the broker has taken it.
//!
//! rumqttc forgets unsent publishes when the broker has no session of ours any more, and waits in the wrong place when
//! its channel is full. So every publish stands here first, in order, and is handed over as there is room; after a cut
//! what was not acknowledged is handed over again. Nothing in here waits, so any task may call it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::engine::{Bus, BusError, Command};

use super::link::{Client, Publish, Receipt};

/// Publishes kept while the broker does not take them.
const MAX_ENTRIES: usize = 8_192;
/// Bytes kept while the broker does not take them.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Objects of one reply that may be under way; a reader or a broker slower than that loses the reply.
pub(super) const MAX_UNDER_WAY: usize = 256;

/// Bytes of a packet beyond topic, payload and correlation data: header, id, properties' own.
const PACKET_OVERHEAD: usize = 32;

/// There is no room for another publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the broker does not take what is published")]
pub(super) struct Full;

/// How full the outbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressure {
    /// There is room.
    Low,
    /// There is room for refusals only.
    High,
    /// There is room for nothing.
    Full,
}

/// Counts one reply's objects that are under way: each entry holds a clone.
pub(super) type UnderWay = Arc<()>;

struct Entry {
    publish: Publish,
    number: u64,
    /// When it was put in, for what must not be sent late: a device command. A reply is worth its whole.
    command_since: Option<Instant>,
    _under_way: Option<UnderWay>,
}

#[derive(Default)]
struct State {
    client: Option<Client>,
    /// Whether the broker has taken us.
    connected: bool,
    /// Whether it has taken our subscriptions as well.
    subscribed: bool,
    /// The largest packet it takes.
    max_packet: Option<usize>,
    next_number: u64,
    bytes: usize,
    /// Not handed over yet.
    waiting: VecDeque<Entry>,
    /// Handed over, not sent yet, in the order of handing over.
    handed: VecDeque<Entry>,
    /// Sent, not acknowledged yet, by packet id.
    sent: HashMap<u16, Entry>,
    /// Acknowledgements for which there was no room.
    receipts: VecDeque<Receipt>,
    closing: bool,
}

/// What is to be published and what of it the broker has taken.
pub(super) struct Outbox {
    state: Mutex<State>,
    max_age: Duration,
}

impl Outbox {
    /// An outbox whose entries are dropped when they are older than this: a late command is worse than none.
    pub(super) fn new(max_age: Duration) -> Self {
        Self { state: Mutex::default(), max_age }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a publish at the end and hands over what there is room for.
    pub(super) fn publish(&self, publish: Publish, under_way: Option<UnderWay>) -> Result<(), Full> {
        self.lock().push(publish, None, under_way)
    }

    /// Acknowledges a message, now or as soon as there is room.
    pub(super) fn acknowledge(&self, receipt: Receipt) {
        let mut state = self.lock();
        state.receipts.push_back(receipt);
        state.pump();
    }

    /// Takes a new link's sending half; publishes wait until [`Self::connected`].
    pub(super) fn attach(&self, client: Client) {
        self.lock().client = Some(client);
    }

    /// Subscribes on the link at hand.
    pub(super) fn subscribe(&self, filters: &[String], qos: u8) -> bool {
        self.lock().client.as_ref().is_some_and(|client| client.subscribe(filters, qos))
    }

    /// The broker has taken our subscriptions: from now on we hear what is said.
    pub(super) fn subscribed(&self) {
        self.lock().subscribed = true;
    }

    /// The broker has taken us: what waited goes out. It may deliver what it kept for us at once, before it answers our
    /// subscriptions, and a command among that must find its way to the device.
    pub(super) fn connected(&self, max_packet: Option<usize>) {
        let mut state = self.lock();
        state.drop_late(self.max_age);
        state.connected = true;
        state.max_packet = max_packet;
        state.pump();
    }

    /// The link is gone: what was not acknowledged waits again, in its old order, but for commands that are late.
    pub(super) fn detach(&self) {
        let mut state = self.lock();
        state.client = None;
        state.connected = false;
        state.subscribed = false;
        // The broker delivers again what was not acknowledged; the old link's receipts mean nothing to the new one.
        state.receipts.clear();
        let mut entries: Vec<Entry> = state.sent.drain().map(|(_, entry)| entry).collect();
        entries.extend(state.handed.drain(..));
        entries.extend(state.waiting.drain(..));
        entries.sort_by_key(|entry| entry.number);
        state.waiting = entries.into();
        state.drop_late(self.max_age);
    }

    /// Something left that was no publish: hands over what there is room for now.
    pub(super) fn hand_over(&self) {
        self.lock().pump();
    }

    /// A publish left under a packet id.
    pub(super) fn sent(&self, packet: u16) {
        let mut state = self.lock();
        if let Some(entry) = state.handed.pop_front() {
            if packet == 0 {
                state.bytes -= entry.size();
            } else {
                state.sent.insert(packet, entry);
            }
        }
        state.pump();
    }

    /// The broker has taken the publish of a packet id.
    pub(super) fn acknowledged(&self, packet: u16) {
        let mut state = self.lock();
        if let Some(entry) = state.sent.remove(&packet) {
            state.bytes -= entry.size();
        }
        state.pump();
    }

    /// How full it is: what comes in must not make more than what goes out.
    pub(super) fn pressure(&self) -> Pressure {
        let state = self.lock();
        let (entries, bytes) = (state.len(), state.bytes);
        if entries > MAX_ENTRIES / 16 * 15 || bytes > MAX_BYTES / 16 * 15 {
            Pressure::Full
        } else if entries > MAX_ENTRIES / 4 * 3 || bytes > MAX_BYTES / 4 * 3 {
            Pressure::High
        } else {
            Pressure::Low
        }
    }

    /// Publishes a last message; once everything is taken, [`Self::is_done`] says so.
    pub(super) fn close(&self, last: Publish) {
        let mut state = self.lock();
        // Without room for it the last will says the same.
        let _ = state.push(last, None, None);
        state.closing = true;
    }

    /// Whether it was closed and the broker has taken everything; says goodbye to the broker then.
    pub(super) fn is_done(&self) -> bool {
        let state = self.lock();
        let done = state.closing && state.len() == 0;
        if done && let Some(client) = &state.client {
            client.disconnect();
        }
        done
    }
}

impl State {
    fn len(&self) -> usize {
        self.waiting.len() + self.handed.len() + self.sent.len()
    }

    fn push(
        &mut self,
        publish: Publish,
        command_since: Option<Instant>,
        under_way: Option<UnderWay>,
    ) -> Result<(), Full> {
        let size = size(&publish);
        if self.len() >= MAX_ENTRIES || self.bytes + size > MAX_BYTES {
            return Err(Full);
        }
        self.bytes += size;
        let number = self.next_number;
        self.next_number += 1;
        self.waiting.push_back(Entry { publish, number, command_since, _under_way: under_way });
        self.pump();
        Ok(())
    }

    /// Forgets commands that were to be sent too long ago.
    fn drop_late(&mut self, max_age: Duration) {
        let before = self.waiting.len();
        self.waiting.retain(|entry| !entry.is_late(max_age));
        if self.waiting.len() < before {
            log::warn!(
                "{} device commands were dropped: the broker was away for too long",
                before - self.waiting.len()
            );
        }
        self.bytes = self.waiting.iter().chain(&self.handed).chain(self.sent.values()).map(Entry::size).sum();
    }

    fn pump(&mut self) {
        let Some(client) = &self.client else { return };
        while let Some(entry) = self.waiting.front().filter(|_| self.connected) {
            // rumqttc would end the connection on it, again and again.
            if self.max_packet.is_some_and(|max| entry.size() + PACKET_OVERHEAD > max) {
                log::warn!("a publish of {} bytes was dropped: the broker takes no such packet", entry.size());
                self.bytes -= entry.size();
                self.waiting.pop_front();
                continue;
            }
            if !client.publish(&entry.publish) {
                return;
            }
            self.handed.extend(self.waiting.pop_front());
        }
        // After the publishes: a device command is felt, an acknowledgement is not.
        while let Some(receipt) = self.receipts.front() {
            if !client.acknowledge(receipt) {
                return;
            }
            self.receipts.pop_front();
        }
    }
}

impl Entry {
    fn size(&self) -> usize {
        size(&self.publish)
    }

    fn is_late(&self, max_age: Duration) -> bool {
        self.command_since.is_some_and(|since| since.elapsed() >= max_age)
    }
}

fn size(publish: &Publish) -> usize {
    publish.topic.len() + publish.payload.len() + publish.correlation.as_ref().map_or(0, Bytes::len)
}

impl Bus for Outbox {
    fn command(&self, command: Command) -> Result<(), BusError> {
        let Command { topic, payload, qos, retain } = command;
        let publish = Publish { topic, payload: Bytes::from(payload), qos, retain, correlation: None };
        let mut state = self.lock();
        if !state.connected {
            return Err(BusError::Away);
        }
        state.push(publish, Some(Instant::now()), None).map_err(|Full| BusError::Full)
    }

    fn is_connected(&self) -> bool {
        self.lock().subscribed
    }
}
