//! Who is waiting for which answer: the worker's frames handed to their readers, and every reader told of the end once.
//!
//! Knows neither process nor socket; it returns the answers that the worker is to be told to stop.

use std::collections::HashMap;

use tokio::sync::mpsc::OwnedPermit;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

use super::models::{AnswerEvent, Listener};
use crate::core::reply::{Code, Finish, Usage};
use crate::inference::protocol::{Drafts, FromWorker};

/// The answers under way in one worker.
#[derive(Debug, Default)]
pub(super) struct Answers {
    running: HashMap<u64, Running>,
}

#[derive(Debug)]
struct Running {
    events: Sender<AnswerEvent>,
    /// The place for the last event, until it was sent.
    end: Option<OwnedPermit<AnswerEvent>>,
    /// Since when the worker is to stop it.
    cancelled: Option<Instant>,
}

impl Running {
    fn end(&mut self, event: AnswerEvent) {
        if let Some(permit) = self.end.take() {
            permit.send(event);
        }
    }
}

impl Answers {
    /// Takes an answer that the worker was asked for.
    pub(super) fn insert(&mut self, request: u64, listener: Listener) {
        let running = Running { events: listener.events, end: Some(listener.end), cancelled: None };
        self.running.insert(request, running);
    }

    /// Notes that an answer is to stop; whether the worker must be told.
    pub(super) fn cancel(&mut self, request: u64) -> bool {
        match self.running.get_mut(&request) {
            Some(running) if running.cancelled.is_none() => {
                running.cancelled = Some(Instant::now());
                true
            }
            _ => false,
        }
    }

    /// Since when the worker owes an end to the answer that was cancelled first.
    pub(super) fn oldest_cancel(&self) -> Option<Instant> {
        self.running.values().filter_map(|running| running.cancelled).min()
    }

    /// Hands a frame to its reader. Returns the answer whose reader does not keep up, for the worker to stop.
    pub(super) fn deliver(&mut self, frame: FromWorker) -> Option<u64> {
        match frame {
            FromWorker::Started { request, dropped_turns } => {
                self.send(request, AnswerEvent::Started { dropped_turns })
            }
            FromWorker::Text { request, text } => self.send(request, AnswerEvent::Text(text)),
            FromWorker::Finished { request, finish, usage, decode_ms, drafts } => {
                self.end(request, AnswerEvent::Finished { finish, usage, decode_ms, drafts });
                None
            }
            FromWorker::Failed { request, code, message } => {
                self.end(request, AnswerEvent::failed(code.into(), message));
                None
            }
            FromWorker::Loaded(_) | FromWorker::LoadFailed { .. } | FromWorker::Ready | FromWorker::Pong { .. } => None,
        }
    }

    fn send(&mut self, request: u64, event: AnswerEvent) -> Option<u64> {
        let running = self.running.get_mut(&request)?;
        match running.events.try_send(event) {
            // Where it was dropped, the word to cancel it is on its way.
            Ok(()) | Err(TrySendError::Closed(_)) => None,
            Err(TrySendError::Full(_)) => {
                running.end(AnswerEvent::failed(Code::TooSlow, "the answer was not read as fast as it was made"));
                self.cancel(request).then_some(request)
            }
        }
    }

    fn end(&mut self, request: u64, event: AnswerEvent) {
        if let Some(mut running) = self.running.remove(&request) {
            running.end(event);
        }
    }

    /// Ends an answer that the worker never heard of.
    pub(super) fn refuse(&mut self, request: u64, code: Code, message: &str) {
        self.end(request, AnswerEvent::failed(code, message));
    }

    /// Ends every answer, after the worker did. Those that were to stop have stopped.
    pub(super) fn end_all(&mut self, code: Code, message: &str) {
        for (_, mut running) in self.running.drain() {
            let event = match running.cancelled {
                Some(_) => AnswerEvent::Finished {
                    finish: Finish::Cancelled,
                    usage: Usage::default(),
                    decode_ms: 0.0,
                    drafts: Drafts::default(),
                },
                None => AnswerEvent::failed(code, message),
            };
            running.end(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::Answers;
    use crate::core::reply::{Code, Finish, Usage};
    use crate::inference::protocol::{Drafts, FromWorker, WorkerCode};
    use crate::inference::supervisor::models::{AnswerEvent, Listener};

    fn listen(answers: &mut Answers, request: u64, capacity: usize) -> mpsc::Receiver<AnswerEvent> {
        let (events, received) = mpsc::channel(capacity + 1);
        let end = events.clone().try_reserve_owned().unwrap();
        answers.insert(request, Listener { events, end });
        received
    }

    fn text(request: u64) -> FromWorker {
        FromWorker::Text { request, text: "a".to_owned() }
    }

    fn finished(request: u64) -> FromWorker {
        FromWorker::Finished {
            request,
            finish: Finish::Stop,
            usage: Usage::default(),
            decode_ms: 1.0,
            drafts: Drafts::default(),
        }
    }

    /// Everything an ended answer's reader gets.
    fn all(received: &mut mpsc::Receiver<AnswerEvent>) -> Vec<AnswerEvent> {
        std::iter::from_fn(|| received.try_recv().ok()).collect()
    }

    #[test]
    fn an_answer_ends_once_even_with_its_channel_full() {
        let mut answers = Answers::default();
        let mut received = listen(&mut answers, 1, 2);
        assert_eq!(answers.deliver(text(1)), None);
        assert_eq!(answers.deliver(text(1)), None);
        answers.deliver(finished(1));
        answers.deliver(finished(1));
        answers.end_all(Code::ModelCrashed, "gone");
        let events = all(&mut received);
        assert_eq!(events.len(), 3);
        assert!(matches!(events[2], AnswerEvent::Finished { finish: Finish::Stop, .. }));
    }

    #[test]
    fn a_reader_too_slow_loses_its_own_answer_only_and_the_worker_is_told_once() {
        let mut answers = Answers::default();
        let (mut slow, mut other) = (listen(&mut answers, 1, 2), listen(&mut answers, 2, 2));
        let told: Vec<u64> = (0..5).filter_map(|_| answers.deliver(text(1))).collect();
        assert_eq!(told, [1]);
        assert_eq!(answers.deliver(text(2)), None);
        assert!(answers.oldest_cancel().is_some(), "the worker still owes its end");
        answers.deliver(finished(1));
        assert!(answers.oldest_cancel().is_none());
        let events = all(&mut slow);
        assert!(matches!(events[..], [_, _, AnswerEvent::Failed { code: Code::TooSlow, .. }]), "{events:?}");
        assert_eq!(all(&mut other).len(), 1);
    }

    #[test]
    fn when_the_worker_is_gone_answers_fail_and_cancelled_ones_are_cancelled() {
        let mut answers = Answers::default();
        let (mut running, mut cancelled) = (listen(&mut answers, 1, 2), listen(&mut answers, 2, 2));
        assert!(answers.cancel(2));
        assert!(!answers.cancel(2) && !answers.cancel(3));
        answers.end_all(Code::ModelCrashed, "gone");
        assert!(matches!(all(&mut running)[..], [AnswerEvent::Failed { code: Code::ModelCrashed, .. }]));
        assert!(matches!(all(&mut cancelled)[..], [AnswerEvent::Finished { finish: Finish::Cancelled, .. }]));
    }

    #[test]
    fn the_workers_codes_become_the_contracts() {
        let mut answers = Answers::default();
        let mut received = listen(&mut answers, 1, 2);
        answers.deliver(FromWorker::Failed { request: 1, code: WorkerCode::TooLong, message: "m".to_owned() });
        assert_eq!(all(&mut received), [AnswerEvent::failed(Code::TooLong, "m")]);
    }
}
