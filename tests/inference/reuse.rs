//! What a slot keeps of a conversation, and what is kept from one start to the next, with real models.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hearthd::core::dialogue::Turn;
use hearthd::core::reply::Usage;
use hearthd::inference::protocol::{LoadPlan, Prompt};
use hearthd::inference::supervisor::SupervisorOptions;
use hearthd::inference::supervisor::models::ModelStates;

use crate::support::{House, Reply, chat, options, prompt, real_model};

/// The small model with a sliding window, if somebody put it there.
fn sliding_model() -> Option<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/gemma-3-270m-q4_k_m.gguf");
    if file.is_file() {
        return Some(file);
    }
    eprintln!("SKIPPED: no model with a sliding window at {}; .ci/sliding-model fetches it", file.display());
    None
}

const QUESTIONS: [&str; 6] = [
    "Hello! What is the capital of France?",
    "How many people live there?",
    "Tell me about its food, please.",
    "What's a good day trip from there? I like \u{201c}old\u{201d} castles \u{2013} and cheese.",
    "List three things to pack.",
    "Thank you. Which of these is the most important?",
];

/// Asks one after the other as a conversation; the answers, and how many tokens each prompt could have reused.
async fn converse(house: &House, max_tokens: u32) -> Vec<(Reply, Usage, u32)> {
    let (mut turns, mut before, mut answers) = (Vec::new(), 0, Vec::new());
    for question in QUESTIONS {
        let prompt = Prompt { turns: turns.clone(), max_tokens, ..prompt(question) };
        let user = prompt.said();
        let reply = house.ask(prompt).await;
        assert_eq!(reply.dropped_turns, Some(0));
        let (_, usage) = reply.finished();
        turns.push(Turn { user, assistant: reply.text() });
        answers.push((reply, usage, before));
        before = usage.prompt_tokens + usage.completion_tokens;
    }
    answers
}

fn long_context(file: PathBuf) -> LoadPlan {
    let mut plan = chat(file);
    plan.tiers[0].ctx_size = 1024;
    plan
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversations_next_turn_computes_what_is_new() {
    let house = House::settled(long_context(real_model())).await;
    let (mut cached, mut possible) = (0, 0);
    for (reply, usage, before) in converse(&house, 40).await {
        eprintln!("cached {} of {before}, prompt {}: {:?}", usage.cached_tokens, usage.prompt_tokens, reply.text());
        assert!(usage.cached_tokens * 10 >= before * 9, "{usage:?} after {before} tokens");
        if before > 0 {
            cached += usage.cached_tokens;
            possible += before;
        }
    }
    assert!(cached * 100 >= possible * 97, "{cached} of {possible}");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_asks_what_stands_before_the_next_words_is_read() {
    let house = House::settled(long_context(real_model())).await;
    let first = prompt(QUESTIONS[0]);
    let user = first.said();
    let reply = house.ask(Prompt { max_tokens: 40, ..first }).await;
    let (_, usage) = reply.finished();
    let before = usage.prompt_tokens + usage.completion_tokens;
    // A second of quiet, and the time of a step on a slow machine.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let turns = vec![Turn { user, assistant: reply.text() }];
    let (_, usage) = house.ask(Prompt { turns, max_tokens: 1, ..prompt(QUESTIONS[1]) }).await.finished();
    // ChatML: the answer's end, a line, the opening of the user's message, a line.
    assert!(usage.cached_tokens >= before + 4, "{usage:?} after {before} tokens");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sliding_window_does_not_forget_what_can_be_reused() {
    let Some(file) = sliding_model() else { return };
    let house = House::settled(long_context(file.clone())).await;
    let answers = converse(&house, 30).await;
    house.stop().await;
    let mut turns: Vec<Turn> = Vec::new();
    let fresh = House::settled(long_context(file)).await;
    for (number, (reply, usage, before)) in answers.into_iter().enumerate() {
        eprintln!("cached {} of {before}, prompt {}: {:?}", usage.cached_tokens, usage.prompt_tokens, reply.text());
        assert!(usage.cached_tokens * 10 >= before * 9, "{usage:?} after {before} tokens");
        let question = Prompt { turns: turns.clone(), max_tokens: 1, ..prompt(QUESTIONS[number]) };
        turns.push(Turn { user: question.said(), assistant: reply.text() });
        // The last question alone finds nothing but the system prompt in the other house.
        if turns.len() == QUESTIONS.len() {
            let from_nothing = fresh.ask(Prompt { max_tokens: 30, ..question }).await;
            let cached = from_nothing.finished().1.cached_tokens;
            assert!(cached < usage.cached_tokens / 2, "{cached}");
            let words = |text: &str| text.split_whitespace().take(5).map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&from_nothing.text()), words(&reply.text()));
        }
    }
    fresh.stop().await;
}

fn states(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("prompt-states")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_system_prompts_state_is_read_after_a_restart_unless_it_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = chat(real_model());
    plan.tiers[0].state_dir = Some(folder.path().to_owned());
    let question = || prompt("What is the capital of France?");
    let ask = async |plan: &LoadPlan| {
        let args = ["model-worker", "--log-level", "DEBUG"].map(str::to_owned).to_vec();
        let house = House::start(plan.clone(), SupervisorOptions { args, ..options() });
        house.wait_for("the model is loaded", ModelStates::settled).await;
        let reply = house.ask(question()).await;
        house.stop().await;
        (reply.text(), reply.finished().1.cached_tokens)
    };
    let first = ask(&plan).await;
    let files = states(folder.path());
    let [file] = &files[..] else { panic!("{files:?}") };
    let computed = std::fs::read(file).unwrap();
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_hours(24);
    let age = || std::fs::File::options().append(true).open(file).unwrap().set_modified(long_ago).unwrap();
    let is_old = || std::fs::metadata(file).unwrap().modified().unwrap() == long_ago;
    age();
    assert_eq!(ask(&plan).await, first);
    assert!(is_old(), "it was computed again, else it would not have been written");
    let mut damaged = computed.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    for content in [damaged, computed[..middle].to_vec(), Vec::new()] {
        std::fs::write(file, content).unwrap();
        age();
        assert_eq!(ask(&plan).await, first);
        assert!(!is_old());
        assert_eq!(std::fs::read(file).unwrap().len(), computed.len(), "a whole one stands in its place");
    }
    let mut other = plan.clone();
    other.tiers[0].system_prompt.push_str(" Be kind.");
    ask(&other).await;
    assert_eq!(states(folder.path()).len(), 2);
    // A folder that cannot be written to costs nothing but the time.
    std::fs::write(folder.path().join("file"), "").unwrap();
    plan.tiers[0].state_dir = Some(folder.path().join("file"));
    assert_eq!(ask(&plan).await, first);
}
