//! The schedule over models that write down what they are asked.

mod reuse;

use std::cell::RefCell;
use std::rc::Rc;

use super::{CHAT_STEPS, CHAT_STEPS_READING, MOST_WAITING, Scheduler};
use crate::core::reply::Finish;
use crate::core::sampling::Sampling;
use crate::inference::protocol::{FromWorker, ModelTier, Prompt, ToWorker, WorkerCode};
use crate::inference::worker::model::{Model, Prepared, Refused, Sampled, Token, Work};

/// What every step computed: per slot how many tokens from which position, and whether one was sampled.
type Steps = Rc<RefCell<Vec<(ModelTier, Vec<(usize, usize, usize, bool)>)>>>;

/// Every prompt is as many tokens as its text has bytes; every answer is `a` until `max_tokens`.
struct Noted {
    tier: ModelTier,
    slots: usize,
    steps: Steps,
    fails: bool,
}

impl Model for Noted {
    fn prefix_tokens(&self) -> usize {
        2
    }
    fn slots(&self) -> usize {
        self.slots
    }
    fn step_tokens(&self) -> usize {
        10
    }
    fn stops(&self) -> &[String] {
        &[]
    }
    fn prepare(&self, prompt: &Prompt) -> Result<Prepared, Refused> {
        if prompt.text.is_empty() {
            return Err(Refused { code: WorkerCode::TooLong, message: "no".to_owned() });
        }
        Ok(Prepared { tokens: vec![0; prompt.text.len()], dropped_turns: 1, max_tokens: prompt.max_tokens })
    }
    fn cuts(&self) -> bool {
        true
    }
    fn open(&mut self, _: usize, _: usize, _: &Prepared, _: &Prompt) -> Result<usize, Refused> {
        Ok(2)
    }
    fn step(&mut self, works: &[Work<'_>]) -> Result<Vec<Sampled>, Refused> {
        if self.fails {
            return Err(Refused { code: WorkerCode::Internal, message: "broken".to_owned() });
        }
        let noted = works.iter().map(|work| (work.slot, work.tokens.len(), work.position, work.sample)).collect();
        self.steps.borrow_mut().push((self.tier, noted));
        Ok(works.iter().filter(|work| work.sample).map(|_| Sampled::Token(7)).collect())
    }
    fn piece(&self, _: usize, _: Token, bytes: &mut Vec<u8>) {
        bytes.push(b'a');
    }
    fn close(&mut self, _: usize, _: usize) -> usize {
        0
    }
}

fn scheduler(slots: usize, fails: bool) -> (Scheduler<'static>, Steps) {
    let steps = Steps::default();
    let mut scheduler = Scheduler::default();
    for tier in [ModelTier::Explain, ModelTier::Chat] {
        scheduler.add(tier, Box::new(Noted { tier, slots, steps: Rc::clone(&steps), fails }));
    }
    (scheduler, steps)
}

fn generate(request: u64, tier: ModelTier, tokens: usize, max_tokens: u32) -> ToWorker {
    let prompt = Prompt {
        tier,
        // Everybody asks once, so that nobody has to wait for a turn.
        user: request.to_string(),
        turns: Vec::new(),
        text: "x".repeat(tokens),
        context: String::new(),
        max_tokens,
        sampling: Sampling::greedy(),
    };
    ToWorker::Generate { request, prompt: Box::new(prompt) }
}

/// Runs until nothing is left to do.
fn run(scheduler: &mut Scheduler<'_>) -> Vec<FromWorker> {
    let mut out = Vec::new();
    for _ in 0..10_000 {
        if !scheduler.busy() {
            return out;
        }
        scheduler.step(&mut out);
    }
    panic!("it never ends: {out:?}");
}

#[test]
fn an_answer_is_started_streamed_and_finished() {
    let (mut scheduler, steps) = scheduler(1, false);
    let mut out = Vec::new();
    scheduler.handle(generate(5, ModelTier::Chat, 15, 3), &mut out);
    out.extend(run(&mut scheduler));
    let text = || FromWorker::Text { request: 5, text: "a".to_owned() };
    assert_eq!(out[..4], [FromWorker::Started { request: 5, dropped_turns: 1 }, text(), text(), text()]);
    let FromWorker::Finished { request: 5, finish: Finish::Length, usage, .. } = &out[4] else { panic!("{out:?}") };
    assert_eq!((usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens), (15, 2, 3));
    let steps: Vec<_> = steps.borrow().iter().map(|(_, works)| works.clone()).collect();
    // 13 tokens in two pieces, then one token a step behind them.
    assert_eq!(steps, [[(0, 10, 2, false)], [(0, 3, 12, true)], [(0, 1, 15, true)], [(0, 1, 16, true)]]);
}

#[test]
fn running_answers_go_on_while_a_prompt_is_read_in_pieces() {
    let (mut scheduler, steps) = scheduler(2, false);
    let mut out = Vec::new();
    scheduler.handle(generate(1, ModelTier::Chat, 3, 20), &mut out);
    scheduler.step(&mut out);
    scheduler.handle(generate(2, ModelTier::Chat, 29, 2), &mut out);
    for _ in 0..3 {
        scheduler.step(&mut out);
    }
    let steps: Vec<_> = steps.borrow().iter().map(|(_, works)| works.clone()).collect();
    assert_eq!(
        steps[1..],
        [
            vec![(0, 1, 3, true), (1, 9, 2, false)],
            vec![(0, 1, 4, true), (1, 9, 11, false)],
            vec![(0, 1, 5, true), (1, 9, 20, true)],
        ]
    );
}

#[test]
fn prompts_are_read_in_the_order_they_came_whatever_their_slots() {
    let (mut scheduler, steps) = scheduler(2, false);
    let mut out = Vec::new();
    scheduler.handle(generate(1, ModelTier::Chat, 3, 1), &mut out);
    scheduler.handle(generate(2, ModelTier::Chat, 40, 1), &mut out);
    scheduler.step(&mut out);
    // Slot 0 is free again and goes to the third, which still comes after the second.
    scheduler.handle(generate(3, ModelTier::Chat, 5, 1), &mut out);
    scheduler.step(&mut out);
    assert_eq!(steps.borrow()[1].1[0].0, 1);
}

#[test]
fn a_question_to_chat_waits_for_one_step_of_an_explanation_at_most() {
    let (mut scheduler, steps) = scheduler(1, false);
    let mut out = Vec::new();
    scheduler.handle(generate(1, ModelTier::Explain, 3, 50), &mut out);
    for _ in 0..5 {
        scheduler.step(&mut out);
    }
    scheduler.handle(generate(2, ModelTier::Chat, 40, 5), &mut out);
    let before = steps.borrow().len();
    run(&mut scheduler);
    let tiers: Vec<_> = steps.borrow()[before..].iter().map(|(tier, _)| *tier).collect();
    assert!(tiers[..4].iter().all(|tier| *tier == ModelTier::Chat), "its whole prompt first: {tiers:?}");
}

#[test]
fn an_explanation_goes_on_slowly_while_chat_talks() {
    let (mut scheduler, steps) = scheduler(1, false);
    let mut out = Vec::new();
    scheduler.handle(generate(1, ModelTier::Explain, 3, 1_000), &mut out);
    scheduler.handle(generate(2, ModelTier::Chat, 3, 100), &mut out);
    for _ in 0..60 {
        scheduler.step(&mut out);
    }
    let explained = steps.borrow().iter().filter(|(tier, _)| *tier == ModelTier::Explain).count();
    assert_eq!(explained, 60 / (usize::try_from(CHAT_STEPS).unwrap() + 1));
}

#[test]
fn an_explanation_goes_on_even_while_chat_reads_prompts_without_end() {
    let (mut scheduler, steps) = scheduler(4, false);
    let mut out = Vec::new();
    scheduler.handle(generate(1, ModelTier::Explain, 3, 1_000), &mut out);
    for request in 2..200 {
        scheduler.handle(generate(request, ModelTier::Chat, 60, 1), &mut out);
    }
    for _ in 0..200 {
        scheduler.step(&mut out);
    }
    let explained = steps.borrow().iter().filter(|(tier, _)| *tier == ModelTier::Explain).count();
    assert!(explained >= 200 / (usize::try_from(CHAT_STEPS_READING).unwrap() + 1), "{explained}");
}

#[test]
fn cancelling_ends_waiting_and_running_answers_and_frees_their_slots() {
    let (mut scheduler, _) = scheduler(1, false);
    let mut out = Vec::new();
    for request in 1..=3 {
        scheduler.handle(generate(request, ModelTier::Chat, 3, 5), &mut out);
    }
    scheduler.step(&mut out);
    scheduler.handle(ToWorker::Cancel { request: 2 }, &mut out);
    scheduler.handle(ToWorker::Cancel { request: 1 }, &mut out);
    scheduler.handle(ToWorker::Cancel { request: 99 }, &mut out);
    out.extend(run(&mut scheduler));
    let ends: Vec<_> = out
        .iter()
        .filter_map(|frame| match frame {
            FromWorker::Finished { request, finish, usage, .. } => Some((*request, *finish, usage.completion_tokens)),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [(2, Finish::Cancelled, 0), (1, Finish::Cancelled, 1), (3, Finish::Length, 5)]);
}

#[test]
fn a_refused_prompt_takes_no_slot_and_an_unknown_tier_is_said() {
    let (mut scheduler, _) = scheduler(1, false);
    let mut out = Vec::new();
    scheduler.handle(generate(1, ModelTier::Chat, 0, 5), &mut out);
    scheduler.handle(generate(2, ModelTier::Chat, 3, 0), &mut out);
    out.extend(run(&mut scheduler));
    assert!(matches!(out[0], FromWorker::Failed { request: 1, code: WorkerCode::TooLong, .. }));
    assert!(matches!(out[1], FromWorker::Started { request: 2, .. }));
    assert!(matches!(out[2], FromWorker::Finished { request: 2, finish: Finish::Length, .. }));
    let mut none = Scheduler::default();
    let mut out = Vec::new();
    none.handle(generate(1, ModelTier::Chat, 3, 5), &mut out);
    assert!(matches!(out[0], FromWorker::Failed { code: WorkerCode::ModelUnavailable, .. }));
}

#[test]
fn what_waits_is_bounded() {
    let (mut scheduler, _) = scheduler(1, false);
    let mut out = Vec::new();
    for request in 0..=u64::try_from(MOST_WAITING).unwrap() {
        scheduler.handle(generate(request, ModelTier::Chat, 3, 1), &mut out);
    }
    assert!(matches!(out[..], [FromWorker::Failed { request: 256, code: WorkerCode::Busy, .. }]), "{out:?}");
}

#[test]
fn a_step_that_fails_ends_every_answer_and_the_next_can_be_made() {
    let (mut scheduler, _) = scheduler(2, true);
    let mut out = Vec::new();
    for request in 1..=2 {
        scheduler.handle(generate(request, ModelTier::Chat, 3, 5), &mut out);
    }
    out.extend(run(&mut scheduler));
    let failed = |frame: &&FromWorker| matches!(frame, FromWorker::Failed { code: WorkerCode::Internal, .. });
    assert_eq!(out.iter().filter(failed).count(), 2);
}
