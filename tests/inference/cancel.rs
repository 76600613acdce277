//! Answers that are given up, and what they leave behind in the real model: nothing.

use std::time::Duration;

use hearthd::core::dialogue::Turn;
use hearthd::core::reply::Finish;
use hearthd::inference::protocol::Prompt;
use hearthd::inference::supervisor::models::{Answer, AnswerEvent};

use crate::support::{House, Reply, chat, prompt, real_model, within};

const ROUNDS: usize = 200;

fn canary(round: usize) -> String {
    format!("zebrafish{round}")
}

fn sings(text: &str) -> bool {
    text.to_lowercase().contains("zebra")
}

fn by(user: &str, text: &str, max_tokens: u32) -> Prompt {
    Prompt { user: user.to_owned(), max_tokens, ..prompt(text) }
}

fn secret(round: usize) -> Prompt {
    let canary = canary(round);
    by("ann", &format!("My secret word is {canary}. Repeat exactly: {canary} {canary} {canary}"), 12)
}

/// What would bring out what stands before it.
const PROBES: [&str; 4] = [
    "What is my secret word? Say it.",
    "Repeat exactly what was said before.",
    "Repeat the last message word for word.",
    "My secret word is",
];

/// Reads so many pieces of an answer; whether it ended before.
async fn read_pieces(answer: &mut Answer, pieces: usize) -> bool {
    let mut read = 0;
    while read < pieces {
        match within("an answer's next event", answer.next()).await {
            AnswerEvent::Text(_) => read += 1,
            AnswerEvent::Started { .. } => {}
            AnswerEvent::Finished { .. } => return true,
            AnswerEvent::Failed { code, message } => panic!("{code:?}: {message}"),
        }
    }
    false
}

/// L4: 200 times one user's prompt holds a canary word and is given up at a random point: while it waits or is read, after
/// some words, by a word to cancel or by a reader that goes away. The next user, whose question gets that very slot or the
/// one beside it, never hears the word.
#[tokio::test(flavor = "multi_thread")]
async fn no_word_of_one_person_shows_up_for_another_in_200_rounds() {
    let mut random = fastrand::Rng::with_seed(4);
    let (mut sung, mut before_its_first_word, mut mid_answer) = (0, 0, 0);
    for slots in [1, 2] {
        let mut plan = chat(real_model());
        plan.tiers[0].slots = slots;
        // A step cannot be stopped, so that there are several to each prompt.
        plan.tiers[0].n_ubatch = 16;
        let house = House::settled(plan).await;
        for round in 0..ROUNDS / 2 {
            let mut told = house.models.generate(secret(round)).unwrap();
            let probe = by("bob", random.choice(PROBES).unwrap(), 5);
            let asked = match random.u32(0..8) {
                // Both are answered at once, or one right after the other.
                0 => house.models.generate(probe).unwrap(),
                // To its end: the slot keeps the conversation, for its owner.
                1 => {
                    sung += u32::from(sings(&Reply::read(told).await.text()));
                    house.models.generate(probe).unwrap()
                }
                2 => {
                    drop(told);
                    house.models.generate(probe).unwrap()
                }
                point => {
                    let reading = point < 5;
                    if reading {
                        let pause = random.u64(0..8).pow(2);
                        tokio::time::sleep(Duration::from_millis(pause)).await;
                    }
                    let ended = !reading && read_pieces(&mut told, random.usize(1..9)).await;
                    told.cancel();
                    if !ended {
                        let reply = Reply::read(told).await;
                        let (finish, usage) = reply.finished();
                        let cancelled = finish == Finish::Cancelled;
                        before_its_first_word += u32::from(cancelled && usage.completion_tokens == 0);
                        mid_answer += u32::from(cancelled && usage.completion_tokens > 0);
                    }
                    house.models.generate(probe).unwrap()
                }
            };
            let asked = Reply::read(asked).await;
            asked.finished();
            assert!(!sings(&asked.text()), "slots {slots}, round {round}: {asked:?}");
        }
        house.stop().await;
    }
    eprintln!("{sung} sang, {before_its_first_word} given up before their first word, {mid_answer} after it");
    assert!(sung >= 5, "a canary that sings {sung} times says little");
    assert!(before_its_first_word >= 5 && mid_answer >= 5, "{before_its_first_word}, {mid_answer}");
}

/// The other half of the 200 rounds: the same questions bring the word out where it stands in one's own conversation.
#[tokio::test(flavor = "multi_thread")]
async fn a_word_of_ones_own_conversation_comes_out() {
    let house = House::settled(chat(real_model())).await;
    let mut sung = 0;
    for (round, probe) in PROBES.into_iter().cycle().take(8).enumerate() {
        let told = house.ask(secret(round)).await;
        let turn = Turn { user: secret(round).text, assistant: told.text() };
        let reply = house.ask(Prompt { turns: vec![turn], ..by("ann", probe, 12) }).await;
        sung += u32::from(sings(&reply.text()));
    }
    assert!(sung >= 4, "only {sung} of 8 answers held a word of the conversation before");
    house.stop().await;
}

/// L4: a prompt of hundreds of tokens is given up while it is read, and not a word of it is made.
#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_is_given_up_while_it_is_read() {
    let mut plan = chat(real_model());
    plan.tiers[0].ctx_size = 2048;
    plan.tiers[0].slots = 1;
    let house = House::settled(plan).await;
    for round in 0..3 {
        let mut long = by("ann", &"Rain falls on the roof, and on the garden wall. ".repeat(120), 50);
        long.text = format!("{round}. {}", long.text);
        let mut answer = house.models.generate(long).unwrap();
        let first = within("its start", answer.next()).await;
        assert!(matches!(first, AnswerEvent::Started { .. }), "{first:?}");
        answer.cancel();
        let (finish, usage) = Reply::read(answer).await.finished();
        assert_eq!((finish, usage.completion_tokens), (Finish::Cancelled, 0), "{usage:?}");
        assert!(usage.prompt_tokens > 1_000, "{usage:?}");
        assert!(house.ask(prompt("What is the capital of France?")).await.text().contains("Paris"));
    }
    house.stop().await;
}
