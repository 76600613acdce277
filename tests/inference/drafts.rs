//! What a real model says is the same whether tokens are drafted or not.

use hearthd::inference::protocol::{Drafts, LoadPlan, ModelTier, Prompt};

use crate::support::{House, chat, prompt, real_model, tier};

/// Some whose answers say what stands in them, some whose answers do not.
const QUESTIONS: [&str; 5] = [
    "Repeat this text word for word, twice: The quick brown fox jumps over the lazy dog near the river bank, while the \
     old man feeds the ducks and the children play in the grass until the sun goes down.",
    "Say the numbers from one to thirty in words, each on its own line.",
    "Write a poem where each verse ends with: and the sea sang on.",
    "Why is the sky blue?",
    "Which three fruits are the sweetest?",
];

/// What is said to all questions, and what was drafted for that.
async fn say(mut plan: LoadPlan, asked: ModelTier, speculation: bool) -> (Vec<String>, Drafts) {
    for tier in &mut plan.tiers {
        tier.speculation = speculation;
    }
    let house = House::settled(plan).await;
    let (mut answers, mut all) = (Vec::new(), Drafts::default());
    for repeat_penalty in [1.0, 1.1] {
        for question in QUESTIONS {
            let mut prompt = Prompt { tier: asked, max_tokens: 100, ..prompt(question) };
            prompt.sampling.repeat_penalty = repeat_penalty;
            let reply = house.ask(prompt).await;
            eprintln!("{speculation} {repeat_penalty}: {:?} of {:?}", reply.drafts, reply.finished());
            all.drafted += reply.drafts.drafted;
            all.accepted += reply.drafts.accepted;
            all.from_chat += reply.drafts.from_chat;
            answers.push(reply.text());
        }
    }
    house.stop().await;
    (answers, all)
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_the_same_with_drafts_from_the_conversation() {
    let (without, none) = say(chat(real_model()), ModelTier::Chat, false).await;
    let (with, drafts) = say(chat(real_model()), ModelTier::Chat, true).await;
    assert_eq!(with, without);
    assert_eq!(none, Drafts::default());
    assert!(drafts.accepted > 0 && drafts.from_chat == 0, "{drafts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_the_same_when_the_chat_model_drafts_for_explain() {
    let plan =
        || LoadPlan { tiers: [ModelTier::Chat, ModelTier::Explain].map(|which| tier(which, real_model())).into() };
    let (without, _) = say(plan(), ModelTier::Explain, false).await;
    let (with, drafts) = say(plan(), ModelTier::Explain, true).await;
    assert_eq!(with, without);
    assert!(drafts.from_chat > 0, "{drafts:?}");
}
