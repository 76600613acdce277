//! What slots keep, over a model whose every answer depends on every token in its memory.
//!
//! A token of somebody else's in a slot, one too many or one missing, makes another answer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use proptest::prelude::*;

use super::{generate, run};
use crate::core::dialogue::Turn;
use crate::core::reply::{Finish, Usage};
use crate::inference::protocol::{FromWorker, ModelTier, Prompt, ToWorker};
use crate::inference::worker::model::{Model, Prepared, Refused, Sampled, Token, Work};
use crate::inference::worker::schedule::Scheduler;

const SYSTEM: [Token; 3] = [1, 2, 3];
const MARK: Token = 4;

/// What each slot holds, and how many tokens were computed in all.
#[derive(Default)]
struct Memory {
    slots: Vec<Vec<Token>>,
    computed: usize,
}

struct Remembering {
    memory: Rc<RefCell<Memory>>,
    cuts: bool,
    ctx_size: usize,
}

fn bytes(text: &str) -> impl Iterator<Item = Token> {
    text.bytes().map(Token::from)
}

fn tokens(prompt: &Prompt) -> Vec<Token> {
    let mut tokens = SYSTEM.to_vec();
    for turn in &prompt.turns {
        tokens.extend(bytes(&turn.user).chain([MARK]).chain(bytes(&turn.assistant)).chain([MARK]));
    }
    tokens.extend(bytes(&prompt.said()).chain([MARK]));
    tokens
}

/// The token that follows these.
fn follows(tokens: &[Token]) -> Sampled {
    let hash = tokens.iter().fold(17u64, |hash, token| {
        let token = u64::try_from(*token).unwrap();
        (hash ^ token).wrapping_mul(0x0100_0000_01b3).rotate_left(23)
    });
    if hash.is_multiple_of(11) {
        Sampled::End
    } else {
        Sampled::Token(Token::from(b'a') + Token::try_from(hash % 26).unwrap())
    }
}

/// The answer of a model that never saw anything else.
fn answer(prompt: &Prompt) -> String {
    let mut tokens = tokens(prompt);
    let begun = tokens.len();
    while let Sampled::Token(token) = follows(&tokens) {
        tokens.push(token);
        if tokens.len() - begun == usize::try_from(prompt.max_tokens).unwrap() {
            break;
        }
    }
    tokens[begun..].iter().map(|token| char::from(u8::try_from(*token).unwrap())).collect()
}

impl Model for Remembering {
    fn prefix_tokens(&self) -> usize {
        SYSTEM.len()
    }
    fn slots(&self) -> usize {
        self.memory.borrow().slots.len()
    }
    fn step_tokens(&self) -> usize {
        16
    }
    fn stops(&self) -> &[String] {
        &[]
    }
    fn prepare(&self, prompt: &Prompt) -> Result<Prepared, Refused> {
        Ok(Prepared { tokens: tokens(prompt), dropped_turns: 0, max_tokens: prompt.max_tokens })
    }
    fn after_answer(&self, held: usize) -> &[Token] {
        if held < self.ctx_size { &[MARK] } else { &[] }
    }
    fn cuts(&self) -> bool {
        self.cuts
    }
    fn open(&mut self, slot: usize, kept: usize, _: &Prepared, _: &Prompt) -> Result<usize, Refused> {
        let slot = &mut self.memory.borrow_mut().slots[slot];
        if kept > 0 {
            assert!(kept == slot.len() || self.cuts && kept < slot.len(), "{kept} of {}", slot.len());
            slot.truncate(kept);
        } else {
            *slot = SYSTEM.to_vec();
        }
        Ok(slot.len())
    }
    fn step(&mut self, works: &[Work<'_>]) -> Result<Vec<Sampled>, Refused> {
        let mut memory = self.memory.borrow_mut();
        let mut sampled = Vec::new();
        for work in works {
            memory.computed += work.tokens.len();
            let slot = &mut memory.slots[work.slot];
            assert_eq!(slot.len(), work.position);
            slot.extend(work.tokens);
            if work.sample {
                sampled.push(follows(slot));
            }
        }
        assert!(memory.slots.iter().all(|slot| slot.len() <= self.ctx_size), "a slot takes others' room");
        Ok(sampled)
    }
    fn piece(&self, _: usize, token: Token, bytes: &mut Vec<u8>) {
        bytes.push(u8::try_from(token).unwrap());
    }
    fn close(&mut self, slot: usize, keep: usize) -> usize {
        let slot = &mut self.memory.borrow_mut().slots[slot];
        assert!(keep <= slot.len());
        if keep < slot.len() && !self.cuts {
            slot.clear();
        }
        slot.truncate(keep);
        slot.len()
    }
}

fn remembering(slots: usize, cuts: bool) -> (Scheduler<'static>, Rc<RefCell<Memory>>) {
    let memory = Rc::new(RefCell::new(Memory { slots: vec![Vec::new(); slots], computed: 0 }));
    let mut scheduler = Scheduler::default();
    let ctx_size = 4_000;
    scheduler.add(ModelTier::Chat, Box::new(Remembering { memory: Rc::clone(&memory), cuts, ctx_size }));
    (scheduler, memory)
}

fn question(text: &str, turns: &[Turn], max_tokens: u32) -> Prompt {
    let ToWorker::Generate { prompt, .. } = generate(0, ModelTier::Chat, 0, max_tokens) else { unreachable!() };
    Prompt { turns: turns.to_vec(), text: text.to_owned(), ..*prompt }
}

fn ask(scheduler: &mut Scheduler<'_>, request: u64, prompt: &Prompt) {
    scheduler.handle(ToWorker::Generate { request, prompt: Box::new(prompt.clone()) }, &mut Vec::new());
}

#[derive(Debug, Default)]
struct Heard {
    text: String,
    end: Option<(Finish, Usage)>,
}

fn heard(frames: Vec<FromWorker>) -> BTreeMap<u64, Heard> {
    let mut answers: BTreeMap<u64, Heard> = BTreeMap::new();
    for frame in frames {
        match frame {
            FromWorker::Text { request, text } => answers.entry(request).or_default().text.push_str(&text),
            FromWorker::Finished { request, finish, usage, .. } => {
                assert!(answers.entry(request).or_default().end.replace((finish, usage)).is_none());
            }
            FromWorker::Started { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    answers
}

fn answered(scheduler: &mut Scheduler<'_>, prompt: &Prompt) -> (String, Usage) {
    ask(scheduler, 1, prompt);
    let Heard { text, end } = heard(run(scheduler)).remove(&1).unwrap();
    (text, end.unwrap().1)
}

/// A text whose answer is neither short nor at its longest.
fn talkative(turns: &[Turn]) -> String {
    (0..1_000)
        .map(|number| format!("what of {number}"))
        .find(|text| (5..30).contains(&answer(&question(text, turns, 50)).len()))
        .unwrap()
}

#[test]
fn the_next_turn_computes_what_is_new_and_nothing_else() {
    for cuts in [true, false] {
        let (mut scheduler, memory) = remembering(2, cuts);
        let mut turns = Vec::new();
        let mut before = SYSTEM.len();
        for _ in 0..5 {
            let prompt = question(&talkative(&turns), &turns, 50);
            let computed = memory.borrow().computed;
            let (text, usage) = answered(&mut scheduler, &prompt);
            assert_eq!(text, answer(&prompt));
            let whole = tokens(&prompt).len();
            assert_eq!(usize::try_from(usage.cached_tokens).unwrap(), before);
            assert_eq!(
                memory.borrow().computed - computed,
                whole - before + text.len(),
                "what is cached is not computed"
            );
            before = whole + text.len();
            turns.push(Turn { user: prompt.said(), assistant: text });
        }
    }
}

#[test]
fn what_stands_before_the_next_words_is_computed_while_nobody_waits() {
    for (cuts, ahead) in [(true, 1), (false, 0)] {
        let (mut scheduler, memory) = remembering(2, cuts);
        // Cut short, so that its last token is not computed when it ends; then one that ends by itself.
        let mut turns = Vec::new();
        for (text, max_tokens, left) in [(talkative(&[]), 3, 1), (String::new(), 50, 0)] {
            let text = if text.is_empty() { talkative(&turns) } else { text };
            let prompt = question(&text, &turns, max_tokens);
            let (text, _) = answered(&mut scheduler, &prompt);
            let computed = memory.borrow().computed;
            while scheduler.can_read_ahead() {
                scheduler.read_ahead();
            }
            assert_eq!(memory.borrow().computed - computed, if ahead > 0 { ahead + left } else { 0 });
            turns.push(Turn { user: prompt.said(), assistant: text });
            let next = question("and then", &turns, 1);
            let (text, usage) = answered(&mut scheduler, &next);
            assert_eq!(text, answer(&next));
            let new = next.said().len() + 1 + if ahead > 0 { 0 } else { 1 + left };
            assert_eq!(usize::try_from(usage.prompt_tokens - usage.cached_tokens).unwrap(), new, "{cuts} {max_tokens}");
            turns.push(Turn { user: next.said(), assistant: text });
        }
    }
}

#[test]
fn a_cancelled_answer_leaves_nothing_it_wrote_and_the_conversation_it_found() {
    for cuts in [true, false] {
        let (mut scheduler, memory) = remembering(1, cuts);
        let first = question(&talkative(&[]), &[], 50);
        let (text, _) = answered(&mut scheduler, &first);
        let turn = Turn { user: first.said(), assistant: text };
        let kept = memory.borrow().slots[0].clone();
        ask(&mut scheduler, 2, &question(&format!("{} zebrafish {}", talkative(&[]), "x".repeat(40)), &[turn], 50));
        scheduler.step(&mut Vec::new());
        assert!(memory.borrow().slots[0].len() > kept.len());
        let mut out = Vec::new();
        scheduler.handle(ToWorker::Cancel { request: 2 }, &mut out);
        assert_eq!(heard(out)[&2].end.map(|(finish, _)| finish), Some(Finish::Cancelled));
        assert_eq!(memory.borrow().slots[0], if cuts { kept } else { Vec::new() });
        assert!(!scheduler.busy());
    }
}

#[test]
fn a_cancelled_answers_slot_is_the_next_ones_within_a_step() {
    let (mut scheduler, _) = remembering(1, true);
    for request in 1..=2 {
        ask(&mut scheduler, request, &question(&"long ".repeat(200), &[], 1_000));
    }
    let mut out = Vec::new();
    scheduler.step(&mut out);
    scheduler.handle(ToWorker::Cancel { request: 1 }, &mut out);
    scheduler.step(&mut out);
    let started: Vec<_> = out.iter().filter(|frame| matches!(frame, FromWorker::Started { request: 2, .. })).collect();
    assert_eq!(started.len(), 1);
}

#[test]
fn people_in_turn_keep_their_slots() {
    let (mut scheduler, _) = remembering(3, true);
    let mut talks: [Vec<Turn>; 3] = Default::default();
    for round in 0..6 {
        for (person, turns) in talks.iter_mut().enumerate() {
            let text = format!("{person} says {}", talkative(turns));
            let prompt = question(&text, turns, 50);
            let (answer, usage) = answered(&mut scheduler, &prompt);
            let new = prompt.said().len() + 2;
            let prompt_tokens = usize::try_from(usage.prompt_tokens - usage.cached_tokens).unwrap();
            assert!(round == 0 || prompt_tokens <= new, "{prompt_tokens} computed for {new} in round {round}");
            turns.push(Turn { user: prompt.said(), assistant: answer });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// Four people in three slots, each with a word of their own; answers are given up, cut short and overtaken.
    #[test]
    fn nobodys_answer_depends_on_anybody_elses_words(
        cuts in any::<bool>(),
        rounds in prop::collection::vec((0usize..4, 0usize..6, any::<bool>(), 1u32..40, any::<bool>()), 1..60),
    ) {
        let (mut scheduler, memory) = remembering(3, cuts);
        let mut talks: [Vec<Turn>; 4] = Default::default();
        let (mut asked, mut cancelled, mut frames) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (request, (person, steps, cancel, max_tokens, tidies)) in (1u64..).zip(rounds) {
            let text = format!("canary{person} {}", "x".repeat(steps * 7));
            let prompt = question(&text, &talks[person], max_tokens);
            ask(&mut scheduler, request, &prompt);
            for _ in 0..steps {
                scheduler.step(&mut frames);
            }
            while tidies && !scheduler.busy() && scheduler.can_read_ahead() {
                scheduler.read_ahead();
            }
            if cancel {
                scheduler.handle(ToWorker::Cancel { request }, &mut frames);
                cancelled.push(request);
            } else {
                talks[person].push(Turn { user: prompt.said(), assistant: answer(&prompt) });
            }
            asked.insert(request, prompt);
            // Conversations begin again now and then.
            if talks[person].len() > 4 {
                talks[person].clear();
            }
        }
        frames.extend(run(&mut scheduler));
        for (request, heard) in heard(frames) {
            let whole = answer(&asked[&request]);
            prop_assert!(whole.starts_with(&heard.text));
            prop_assert!(heard.text == whole || cancelled.contains(&request));
            prop_assert!(heard.end.is_some());
        }
        let memory = memory.borrow();
        let canary = |person: usize| bytes(&format!("canary{person}")).collect::<Vec<_>>();
        for slot in &memory.slots {
            let whose = (0..4).filter(|person| slot.windows(7).any(|window| window == canary(*person)));
            prop_assert!(whose.count() <= 1, "a slot holds words of two people");
        }
    }
}
