//! One utterance's reply as it is written: numbers its objects, keeps its text and its times.

use std::time::Instant;

use crate::core::reply::{Code, Final, Reply, Timing};
use crate::core::utterance::Tier;

use super::{ReplySink, SinkGone, milliseconds};

/// Writes one reply. [`Responder::finish`] takes it, so that nothing can follow the final object.
pub(super) struct Responder {
    id: String,
    stream: bool,
    arrived: Instant,
    sink: Box<dyn ReplySink>,
    seq: u32,
    text: String,
    /// The tier that answers, once it is known.
    pub(super) tier: Option<Tier>,
    /// Filled in as it goes.
    pub(super) timing: Timing,
}

impl Responder {
    pub(super) fn new(id: String, stream: bool, arrived: Instant, sink: Box<dyn ReplySink>) -> Self {
        Self { id, stream, arrived, sink, seq: 0, text: String::new(), tier: None, timing: Timing::default() }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn is_private(&self) -> bool {
        self.sink.is_private()
    }

    pub(super) fn arrived(&self) -> Instant {
        self.arrived
    }

    /// Whether anything was said so far.
    pub(super) fn has_text(&self) -> bool {
        !self.text.is_empty()
    }

    /// What was said so far.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Sends a chunk; where none are wanted, only keeps its text.
    pub(super) fn chunk(&mut self, chunk: String) -> Result<(), SinkGone> {
        if chunk.is_empty() {
            return Ok(());
        }
        if !self.stream && self.sink.is_gone() {
            return Err(SinkGone);
        }
        let length = self.text.len();
        self.text.push_str(&chunk);
        if self.timing.first_chunk_ms.is_none() {
            self.timing.first_chunk_ms = Some(milliseconds(self.arrived.elapsed()));
        }
        if !self.stream {
            return Ok(());
        }
        let reply = Reply::Chunk { id: self.id.clone(), seq: self.seq, chunk };
        let sent = self.sink.send(&reply);
        match sent {
            Ok(()) => self.seq += 1,
            // The text is what the chunks join to; this one was not sent.
            Err(SinkGone) => self.text.truncate(length),
        }
        sent
    }

    /// Sends the final object, completed with the text, the times and its number.
    pub(super) fn finish(mut self, mut last: Final) -> Final {
        last.id = Some(self.id);
        last.seq = self.seq;
        last.text = self.text;
        last.tier = last.tier.or(self.tier);
        self.timing.total_ms = milliseconds(self.arrived.elapsed());
        last.timing = Some(self.timing);
        let reply = Reply::Final(Box::new(last));
        if self.sink.send(&reply).is_err() {
            log::debug!("nobody read the final object");
        }
        match reply {
            Reply::Final(last) => *last,
            Reply::Chunk { .. } => unreachable!("built as a final object above"),
        }
    }

    /// Says in one final object why nothing is answered.
    pub(super) fn refuse(&mut self, code: Code, message: &str) {
        log::info!("{}: refused, {}", self.id, code.as_str());
        self.send_again(Final::refusal(Some(self.id.clone()), code, message));
    }

    /// As [`Self::refuse`]; where the id's own reply still runs, beside it, so that it is not taken for its end.
    pub(super) fn refuse_beside(&mut self, running: bool, code: Code, message: &str) {
        if !running || self.is_private() {
            return self.refuse(code, message);
        }
        log::info!("{}: refused, {}", self.id, code.as_str());
        let last = Final::refusal(Some(self.id.clone()), code, message);
        if self.sink.send_aside(&Reply::Final(Box::new(last))).is_err() {
            log::debug!("nobody read the refusal");
        }
    }

    /// Sends a final object as it is.
    pub(super) fn send_again(&mut self, last: Final) {
        if self.sink.send(&Reply::Final(Box::new(last))).is_err() {
            log::debug!("nobody read the final object");
        }
    }
}
