//! Who gets a free slot: users in turn, and nobody all of them.
//!
//! One user's questions may take every slot but the last, so that another's first is begun at once.

use std::collections::VecDeque;

use crate::inference::protocol::Prompt;

/// An answer that waits for a slot.
pub(super) struct Waiting {
    pub request: u64,
    pub prompt: Box<Prompt>,
}

/// The answers of one tier that wait.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    /// Whose question got a slot last.
    last: Option<String>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn push(&mut self, waiting: Waiting) {
        self.waiting.push_back(waiting);
    }

    /// Takes an answer out, whether it waits here.
    pub(super) fn cancel(&mut self, request: u64) -> bool {
        let at = self.waiting.iter().position(|waiting| waiting.request == request);
        at.and_then(|at| self.waiting.remove(at)).is_some()
    }

    /// The next to get one of `free` slots, where `running` are the users of the others: the user with the fewest answers
    /// running, of several not the one who was served last, then the oldest question.
    pub(super) fn next(&mut self, free: usize, running: &[&str]) -> Option<Waiting> {
        let runs = |user: &str| running.iter().filter(|other| **other == user).count();
        let may = |waiting: &&Waiting| free > 1 || runs(&waiting.prompt.user) == 0;
        let rank = |waiting: &Waiting| {
            (runs(&waiting.prompt.user), self.last.as_deref() == Some(waiting.prompt.user.as_str()))
        };
        if free == 0 {
            return None;
        }
        let mut allowed = self.waiting.iter().enumerate().filter(|(_, waiting)| may(waiting));
        let (mut best, first) = allowed.next()?;
        let mut least = rank(first);
        for (at, waiting) in allowed {
            let rank = rank(waiting);
            // The first of equals came first.
            if rank < least {
                (best, least) = (at, rank);
            }
        }
        let next = self.waiting.remove(best)?;
        self.last = Some(next.prompt.user.clone());
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::{Queue, Waiting};
    use crate::core::sampling::Sampling;
    use crate::inference::protocol::{ModelTier, Prompt};

    fn queue(users: &[&str]) -> Queue {
        let mut queue = Queue::default();
        for (request, user) in (0..).zip(users) {
            let prompt = Prompt {
                tier: ModelTier::Chat,
                user: (*user).to_owned(),
                turns: Vec::new(),
                text: "x".to_owned(),
                context: String::new(),
                max_tokens: 1,
                sampling: Sampling::greedy(),
            };
            queue.push(Waiting { request, prompt: Box::new(prompt) });
        }
        queue
    }

    fn next(queue: &mut Queue, free: usize, running: &[&str]) -> Option<u64> {
        queue.next(free, running).map(|waiting| waiting.request)
    }

    #[test]
    fn a_user_with_nothing_running_comes_before_one_with_much() {
        let mut queue = queue(&["noisy", "noisy", "noisy", "polite"]);
        assert_eq!(next(&mut queue, 4, &[]), Some(0));
        assert_eq!(next(&mut queue, 3, &["noisy"]), Some(3));
        assert_eq!(next(&mut queue, 2, &["noisy", "polite"]), Some(1));
    }

    #[test]
    fn the_last_slot_is_for_another_user() {
        let mut queue = queue(&["noisy", "noisy"]);
        assert_eq!(next(&mut queue, 1, &["noisy"]), None);
        assert_eq!(queue.len(), 2);
        assert_eq!(next(&mut queue, 1, &["another"]), Some(0));
        assert_eq!(next(&mut queue, 0, &[]), None);
    }

    #[test]
    fn users_of_a_single_slot_take_turns() {
        let mut queue = queue(&["noisy", "noisy", "noisy", "polite", "polite"]);
        let order: Vec<u64> = std::iter::from_fn(|| next(&mut queue, 1, &[])).collect();
        assert_eq!(order, [0, 3, 1, 4, 2]);
    }

    #[test]
    fn one_who_waits_can_be_taken_out() {
        let mut queue = queue(&["a", "b"]);
        assert!(queue.cancel(0) && !queue.cancel(0));
        assert_eq!((next(&mut queue, 1, &[]), queue.is_empty()), (Some(1), true));
    }
}
