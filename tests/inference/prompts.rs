//! Prompts at the very edge of what fits, with the real model.

use hearthd::core::dialogue::Turn;
use hearthd::core::reply::{Code, Finish};
use hearthd::inference::protocol::Prompt;
use hearthd::inference::supervisor::models::AnswerEvent;

use crate::support::{House, Reply, chat, first_text, prompt, real_model};

const CTX_SIZE: u32 = 256;
/// What an answer gets at least, where it asks for as much.
const LEAST: u32 = 32;

async fn house() -> House {
    let mut plan = chat(real_model());
    plan.tiers[0].ctx_size = CTX_SIZE;
    plan.tiers[0].slots = 2;
    House::settled(plan).await
}

fn words(count: u32, max_tokens: u32) -> Prompt {
    Prompt { max_tokens, ..prompt(&vec!["rain"; usize::try_from(count).unwrap()].join(" ")) }
}

/// Tokens of a prompt of no words, where each word is one.
async fn tokens_around(house: &House) -> u32 {
    let mut around = Vec::new();
    for count in [5, 6, 50] {
        around.push(house.ask(words(count, 1)).await.finished().1.prompt_tokens - count);
    }
    assert!(around.iter().all(|tokens| *tokens == around[0]), "a word is a token: {around:?}");
    around[0]
}

/// L3: a prompt that fits with the shortest answer to the very token is answered, one token more is `too_long`, whatever
/// the answer's length; none is a fault of the decoder.
#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_fits_to_the_very_token_or_is_too_long() {
    let house = house().await;
    let around = tokens_around(&house).await;
    for (max_tokens, least) in [(LEAST, LEAST), (u32::MAX, LEAST), (7, 7), (1, 1), (0, 0)] {
        let most = CTX_SIZE - least - around;
        let (finish, usage) = house.ask(words(most, max_tokens)).await.finished();
        assert_eq!(usage.prompt_tokens + least, CTX_SIZE);
        assert!(usage.completion_tokens <= least && matches!(finish, Finish::Length | Finish::Stop), "{usage:?}");
        if max_tokens == 0 {
            assert_eq!((finish, usage.completion_tokens), (Finish::Length, 0));
        }
        for more in [1, 2, 500] {
            let refused = house.ask(words(most + more, max_tokens)).await;
            assert_eq!(refused.code(), Code::TooLong, "{more} tokens too many before {max_tokens}: {refused:?}");
        }
    }
    house.stop().await;
}

/// L3: every slot holds as much as it can at once, to the last token of the context.
#[tokio::test(flavor = "multi_thread")]
async fn full_conversations_fit_beside_each_other() {
    let house = house().await;
    let around = tokens_around(&house).await;
    let mut full = words(CTX_SIZE - LEAST - around, u32::MAX);
    full.sampling.temperature = 2.0;
    let ask = |user: &str| house.models.generate(Prompt { user: user.to_owned(), ..full.clone() }).unwrap();
    let (one, other) = (ask("one"), ask("other"));
    for answer in [one, other] {
        let (_, usage) = Reply::read(answer).await.finished();
        assert!(usage.prompt_tokens + usage.completion_tokens <= CTX_SIZE && usage.completion_tokens > 0, "{usage:?}");
    }
    house.stop().await;
}

/// L3: a history of any length gives way, down to nothing, and the answer that is left room for is made.
#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_is_too_long_gives_way() {
    let house = house().await;
    let around = tokens_around(&house).await;
    let turn = Turn { user: "rain ".repeat(40), assistant: "and sun ".repeat(40) };
    for (turns, text, max_tokens) in [
        (300, words(3, 24), 24),
        (1, words(CTX_SIZE - LEAST - around, 64), 64),
        (5, words(3, u32::MAX), u32::MAX),
        (5, words(3, 0), 0),
    ] {
        let reply = house.ask(Prompt { turns: vec![turn.clone(); turns], ..text }).await;
        let (_, usage) = reply.finished();
        assert!(reply.dropped_turns.is_some_and(|dropped| dropped > 0), "{turns} turns: {reply:?}");
        assert!(usage.prompt_tokens + usage.completion_tokens <= CTX_SIZE, "{usage:?}");
        assert!(usage.completion_tokens <= max_tokens, "{usage:?}");
    }
    let alone = Prompt { turns: vec![turn; 3], ..words(CTX_SIZE, 24) };
    assert_eq!(house.ask(alone).await.code(), Code::TooLong, "no history to leave out helps");
    // And nothing of it is in the way of the next.
    let mut next = house.models.generate(prompt("What is the capital of France?")).unwrap();
    let mut said = first_text(&mut next).await;
    while let AnswerEvent::Text(text) = next.next().await {
        said.push_str(&text);
    }
    assert!(said.contains("Paris"), "{said}");
    house.stop().await;
}
