//! Drafts over a model that says what it was told to, and whose memory is looked at before every step.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use proptest::prelude::*;

use super::{generate, run};
use crate::core::reply::{Finish, Usage};
use crate::inference::protocol::{Drafts, FromWorker, ModelTier, Prompt, ToWorker};
use crate::inference::worker::model::{Drafted, Model, Prepared, Refused, Sampled, Token, Work};
use crate::inference::worker::schedule::Scheduler;
use crate::inference::worker::schedule::worth::Worth;

#[derive(Clone, Default)]
struct Slot {
    held: Vec<Token>,
    prompt: Vec<Token>,
    says: Vec<Token>,
}

#[derive(Default)]
struct Memory {
    slots: Vec<Slot>,
    steps: usize,
    /// Tokens this model drafted for another, and what it says when it does.
    drafted: usize,
    drafts: Vec<Token>,
}

/// Reads the text of a prompt and says its context.
struct Scripted {
    memory: Rc<RefCell<Memory>>,
    stops: Vec<String>,
}

fn tokens(text: &str) -> Vec<Token> {
    text.bytes().map(Token::from).collect()
}

impl Model for Scripted {
    fn prefix_tokens(&self) -> usize {
        0
    }
    fn slots(&self) -> usize {
        self.memory.borrow().slots.len()
    }
    fn step_tokens(&self) -> usize {
        32
    }
    fn stops(&self) -> &[String] {
        &self.stops
    }
    fn prepare(&self, prompt: &Prompt) -> Result<Prepared, Refused> {
        Ok(Prepared { tokens: tokens(&prompt.text), dropped_turns: 0, max_tokens: prompt.max_tokens })
    }
    fn cuts(&self) -> bool {
        true
    }
    fn checks_drafts(&self) -> bool {
        true
    }
    fn vocabulary(&self) -> Option<u64> {
        Some(1)
    }
    fn unread(&self, _: &[Token]) -> usize {
        1
    }
    fn draft(&mut self, conversation: &[Token]) -> Result<Drafted, Refused> {
        let mut memory = self.memory.borrow_mut();
        let Some(from) = conversation.iter().rposition(|token| *token == Token::from(b'>')) else {
            panic!("no prompt")
        };
        let next = memory.drafts.get(conversation.len() - from - 1).copied();
        memory.drafted += 1;
        Ok(next.map_or(Drafted::Nothing, |token| Drafted::Token(token, 1)))
    }
    fn open(&mut self, slot: usize, kept: usize, prepared: &Prepared, prompt: &Prompt) -> Result<usize, Refused> {
        let slot = &mut self.memory.borrow_mut().slots[slot];
        assert!(kept <= slot.held.len());
        slot.held.truncate(kept);
        (slot.prompt, slot.says) = (prepared.tokens.clone(), tokens(&prompt.context));
        Ok(kept)
    }
    fn step(&mut self, works: &[Work<'_>]) -> Result<Vec<Sampled>, Refused> {
        let mut memory = self.memory.borrow_mut();
        memory.steps += 1;
        let mut sampled = Vec::new();
        for work in works {
            let slot = &mut memory.slots[work.slot];
            assert_eq!(slot.held.len(), work.position);
            let all = [&slot.prompt[..], &slot.says].concat();
            assert!(all.starts_with(&slot.held), "what was wrong is still there");
            slot.held.extend(work.tokens);
            if !work.sample {
                continue;
            }
            for place in work.tokens.len() - 1 - work.drafted..work.tokens.len() {
                let next = all.get(work.position + place + 1).copied();
                sampled.push(next.map_or(Sampled::End, Sampled::Token));
                if next.is_none() || work.tokens.get(place + 1).copied() != next {
                    slot.held.truncate(work.position + place + 1);
                    break;
                }
            }
        }
        Ok(sampled)
    }
    fn piece(&self, _: usize, token: Token, bytes: &mut Vec<u8>) {
        bytes.push(u8::try_from(token).unwrap());
    }
    fn close(&mut self, slot: usize, keep: usize) -> usize {
        let slot = &mut self.memory.borrow_mut().slots[slot];
        assert!(keep <= slot.held.len());
        slot.held.truncate(keep);
        keep
    }
}

/// One or two tiers of two slots.
fn scheduler(tiers: &[ModelTier], stop: &str, drafts: bool) -> (Scheduler<'static>, Vec<Rc<RefCell<Memory>>>) {
    let mut scheduler = Scheduler::default();
    let mut memories = Vec::new();
    for tier in tiers {
        let memory = Rc::new(RefCell::new(Memory { slots: vec![Slot::default(); 2], ..Memory::default() }));
        scheduler.add(*tier, Box::new(Scripted { memory: Rc::clone(&memory), stops: vec![stop.to_owned()] }));
        memories.push(memory);
    }
    for tier in &mut scheduler.tiers {
        tier.worth = drafts.then(Worth::eager);
    }
    (scheduler, memories)
}

fn ask(scheduler: &mut Scheduler<'_>, request: u64, tier: ModelTier, text: &str, says: &str, max_tokens: u32) {
    let ToWorker::Generate { prompt, .. } = generate(request, tier, 0, max_tokens) else { unreachable!() };
    let prompt = Box::new(Prompt { text: text.to_owned(), context: says.to_owned(), ..*prompt });
    scheduler.handle(ToWorker::Generate { request, prompt }, &mut Vec::new());
}

type Said = BTreeMap<u64, (String, Option<(Finish, Usage)>)>;

/// What each answer said and how it ended, and what was drafted in all.
fn said(frames: Vec<FromWorker>) -> (Said, Drafts) {
    let (mut answers, mut all) = (Said::new(), Drafts::default());
    for frame in frames {
        match frame {
            FromWorker::Text { request, text } => answers.entry(request).or_default().0.push_str(&text),
            FromWorker::Finished { request, finish, usage, drafts, .. } => {
                answers.entry(request).or_default().1 = Some((finish, usage));
                all.drafted += drafts.drafted;
                all.accepted += drafts.accepted;
            }
            FromWorker::Started { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    (answers, all)
}

/// One question to chat: what was said, the end, the drafts and the steps.
fn one(text: &str, says: &str, max_tokens: u32, stop: &str) -> (String, Finish, Drafts, usize) {
    let [with, without] = [true, false].map(|drafts| {
        let (mut scheduler, memories) = scheduler(&[ModelTier::Chat], stop, drafts);
        ask(&mut scheduler, 1, ModelTier::Chat, text, says, max_tokens);
        let (said, drafts) = said(run(&mut scheduler));
        let steps = memories[0].borrow().steps;
        (said, drafts, steps)
    });
    assert_eq!(with.0, without.0);
    let (text, end) = with.0[&1].clone();
    (text, end.unwrap().0, with.1, with.2)
}

#[test]
fn what_is_said_again_takes_fewer_steps() {
    let (text, finish, drafts, steps) = one("the quick brown fox>", "xe quick brown fox.", 100, "#");
    assert_eq!((text.as_str(), finish), ("xe quick brown fox.", Finish::Stop));
    assert!(drafts.accepted >= 12 && steps <= 9, "{drafts:?} in {steps} steps");
}

#[test]
fn a_draft_that_is_wrong_at_any_place_changes_nothing() {
    for wrong in 4..12 {
        let mut says = "abcdefghijkl".to_owned();
        says.replace_range(wrong..=wrong, "Z");
        let (text, finish, drafts, _) = one("abcdefghijklmnop>", &says, 100, "#");
        assert_eq!((text, finish), (says, Finish::Stop));
        assert!(drafts.accepted < drafts.drafted, "{drafts:?}");
    }
}

#[test]
fn the_end_a_stop_and_the_longest_answer_hold_inside_a_draft() {
    for length in 4..14 {
        let says = &"abcdefghijklmn"[..length];
        let (text, finish, ..) = one("abcdefghijklmnop>", says, 100, "#");
        assert_eq!((text.as_str(), finish), (says, Finish::Stop), "the end");
        let most = u32::try_from(length).unwrap();
        let (text, finish, ..) = one("abcdefghijklmnop>", "abcdefghijklmnop", most, "#");
        assert_eq!((text.as_str(), finish), (says, Finish::Length), "the longest answer");
        let stop = &"abcdefghijklmnop"[length..=length + 1];
        let (text, finish, drafts, _) = one("abcdefghijklmnop>", "abcdefghijklmnop", 100, stop);
        assert_eq!((text.as_str(), finish), (says, Finish::Stop), "a stop");
        assert!(drafts.accepted > 0);
    }
}

#[test]
fn an_answer_that_goes_round_in_circles_ends_the_same() {
    let says = "It rains on the roof and on the wall of the garden. ".repeat(6);
    let (text, finish, drafts, _) = one("why>", &says, 1_000, "#");
    assert!(finish == Finish::Stop && text.len() < says.len() / 2 && drafts.accepted > 10, "{text:?}");
}

#[test]
fn cancelling_leaves_nothing_of_a_draft() {
    let (mut scheduler, memories) = scheduler(&[ModelTier::Chat], "#", true);
    let mut out = Vec::new();
    let round = "one two three four five six seven eight nine ten eleven twelve";
    for request in 1..9 {
        ask(&mut scheduler, request, ModelTier::Chat, &format!("{round}>"), round, 100);
        for _ in 0..request {
            scheduler.step(&mut out);
        }
        scheduler.handle(ToWorker::Cancel { request }, &mut out);
        assert!(memories[0].borrow().slots.iter().all(|slot| slot.held.is_empty()));
    }
    let (said, drafts) = said(out);
    assert!(drafts.accepted > 20 && said.values().any(|(_, end)| end.unwrap().0 == Finish::Cancelled));
}

#[test]
fn chat_drafts_for_explain_while_nobody_asks_it_anything() {
    let (mut scheduler, memories) = scheduler(&[ModelTier::Chat, ModelTier::Explain], "#", true);
    let says = "The moon circles us: once a month, give or take.";
    // Right but for a letter here and there.
    memories[0].borrow_mut().drafts = tokens("The mOon circles us: once a MOnth, give or");
    ask(&mut scheduler, 1, ModelTier::Explain, "why>", says, 100);
    let mut out = Vec::new();
    for _ in 0..6 {
        scheduler.step(&mut out);
    }
    assert!(memories[0].borrow().drafted > 2);
    ask(&mut scheduler, 2, ModelTier::Chat, "hi>", "hello to you", 100);
    let before = memories[0].borrow().drafted;
    while scheduler.tiers[0].busy() {
        scheduler.step(&mut out);
        assert_eq!(memories[0].borrow().drafted, before, "chat comes first");
    }
    out.extend(run(&mut scheduler));
    assert!(memories[0].borrow().drafted > before);
    let (said, drafts) = said(out);
    assert_eq!((said[&1].0.as_str(), said[&2].0.as_str()), (says, "hello to you"));
    assert!(drafts.accepted > 20 && drafts.accepted < drafts.drafted, "{drafts:?}");
    assert!(memories[1].borrow().steps < says.len() / 2);
}

proptest! {
    #[test]
    fn whatever_is_said_it_is_the_same_without_drafts(
        answers in prop::collection::vec(("[ab]{0,30}>", "[abc]{0,40}", 1..50u32, 0..8usize), 1..5),
        stop in "[abc]{3,6}",
        guess in "[abc]{0,40}",
        explains in any::<bool>(),
    ) {
        let tiers = [ModelTier::Chat, ModelTier::Explain];
        let asked = tiers[usize::from(explains)];
        let [with, without] = [true, false].map(|drafts| {
            let (mut scheduler, memories) = scheduler(&tiers, &stop, drafts);
            memories[0].borrow_mut().drafts = tokens(&guess);
            let mut out = Vec::new();
            for (request, (text, says, most, steps)) in (0..).zip(&answers) {
                ask(&mut scheduler, request, asked, text, says, *most);
                for _ in 0..*steps {
                    scheduler.step(&mut out);
                }
            }
            out.extend(run(&mut scheduler));
            let mut said = said(out).0;
            // How much of a slot could be reused depends on when it was free.
            for (_, end) in said.values_mut() {
                end.as_mut().unwrap().1.cached_tokens = 0;
            }
            said
        });
        prop_assert_eq!(with, without);
    }
}
