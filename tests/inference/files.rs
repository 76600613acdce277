//! Model files that are none, or not whole: said in one sentence, and the other tier answers.

use std::path::{Path, PathBuf};

use hearthd::core::checksum::sha256_of;
use hearthd::core::reply::Code;
use hearthd::inference::protocol::{LoadPlan, ModelTier};
use hearthd::inference::supervisor::models::{ModelStates, TierState};

use crate::support::{House, Reply, options, prompt, real_model, tier};

/// Loads a file as chat's model beside a good one; returns what is said of it.
async fn refused(file: &Path) -> String {
    let mut good = tier(ModelTier::Explain, "fake:words=2");
    "good".clone_into(&mut good.name);
    let plan = LoadPlan { tiers: vec![tier(ModelTier::Chat, file), good] };
    let house = House::settled(plan).await;
    let worker = house.worker();
    let states = house.models.states().borrow().clone();
    let Some(TierState::Failed(message)) = states.tiers.get(&ModelTier::Chat) else {
        panic!("{} was loaded: {states:?}", file.display())
    };
    let unavailable = house.models.generate(prompt("hi")).unwrap_err();
    assert_eq!(unavailable.code, Code::ModelUnavailable);
    assert!(unavailable.message.contains(message), "{unavailable}");
    let mut question = prompt("hi");
    question.tier = ModelTier::Explain;
    assert_eq!(house.ask(question).await.text(), "fake answer ");
    assert_eq!(house.worker(), worker, "nothing ended the process");
    house.stop().await;
    message.clone()
}

fn write(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, content).unwrap();
    file
}

/// L1: files that hold no model. With the daemon around it: `tests/daemon/model_faults.rs`.
#[tokio::test(flavor = "multi_thread")]
async fn missing_empty_and_foreign_files_are_said_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let random: Vec<u8> = (0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    let random_after_magic = [b"GGUF\x03\0\0\0".as_slice(), &random].concat();
    for (file, said) in [
        (folder.path().join("missing.gguf"), "is not there"),
        (folder.path().to_owned(), "is not a file"),
        (write(folder.path(), "empty.gguf", b""), "is empty"),
        (write(folder.path(), "page.gguf", b"<html>not found</html>"), "is not a GGUF file"),
        (write(folder.path(), "random.gguf", &random), "is not a GGUF file"),
        (write(folder.path(), "damaged.gguf", &random_after_magic), "is damaged"),
    ] {
        let message = refused(&file).await;
        assert!(message.contains(said) && message.contains(file.to_str().unwrap()), "{message}");
    }
}

/// L1: files that are not whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_cut_off_anywhere_is_not_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(real_model()).unwrap();
    for percent in [1, 10, 50, 99] {
        let file = write(folder.path(), "cut.gguf", &whole[..whole.len() / 100 * percent]);
        let message = refused(&file).await;
        assert!(message.contains("cut.gguf"), "{percent} %: {message}");
    }
}

/// L1: a file that is not the one it should be is not shown to llama.cpp, which trusts what it reads.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_another_sum_than_it_should_have_is_not_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = tier(ModelTier::Chat, real_model());
    plan.state_dir = Some(folder.path().to_owned());
    let right = sha256_of(std::fs::File::open(&plan.file).unwrap()).unwrap();
    for (sum, loads) in [("0".repeat(64), false), (right.clone(), true), (right, true)] {
        plan.sha256 = Some(sum.clone());
        let house = House::settled(LoadPlan { tiers: vec![plan.clone()] }).await;
        match house.models.generate(prompt("hi")) {
            Ok(_) => assert!(loads, "{sum}"),
            Err(unavailable) => assert!(!loads && unavailable.message.contains(&sum), "{unavailable}"),
        }
        house.stop().await;
    }
    assert_eq!(std::fs::read_dir(folder.path().join("checked-models")).unwrap().count(), 1);
}

/// L1: a model of an architecture that llama.cpp does not know.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_of_an_unknown_architecture_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let mut content = std::fs::read(real_model()).unwrap();
    let key = b"general.architecture";
    let at = content.windows(key.len()).position(|bytes| bytes == key).unwrap() + key.len();
    // After the key: the type of the value, its length, and its text.
    assert_eq!(&content[at + 12..at + 17], b"llama");
    content[at + 12..at + 17].copy_from_slice(b"lmama");
    let message = refused(&write(folder.path(), "other.gguf", &content)).await;
    assert!(message.contains("lmama"), "{message}");
}

/// L1: headers that look right and are not. Huge counts: `huge_counts_are_refused_without_being_believed`.
#[tokio::test(flavor = "multi_thread")]
async fn a_header_with_a_wrong_byte_costs_that_model_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(real_model()).unwrap();
    for round in 0..6 {
        let mut content = whole.clone();
        for flip in 0..4 {
            content[24 + (round * 997 + flip * 131) % 4_000] ^= 0x41;
        }
        let file = write(folder.path(), "flipped.gguf", &content);
        let plan = LoadPlan { tiers: vec![tier(ModelTier::Chat, &file), tier(ModelTier::Explain, "fake:words=2")] };
        let house = House::start(plan, options());
        house.wait_for("the damaged model is loaded, refused or given up", ModelStates::settled).await;
        let mut question = prompt("hi");
        question.tier = ModelTier::Explain;
        assert_eq!(house.ask(question).await.text(), "fake answer ", "round {round}");
        house.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_template_is_one_that_llama_cpp_has_or_none() {
    let mut answers = Vec::new();
    for template in [None, Some("chatml"), Some("plain"), Some("chitml")] {
        let mut plan = tier(ModelTier::Chat, real_model());
        plan.chat_template = template.map(str::to_owned);
        let house = House::settled(LoadPlan { tiers: vec![plan] }).await;
        match house.models.generate(prompt("What is the capital of France?")) {
            Ok(answer) => answers.push(Reply::read(answer).await.finished().1.prompt_tokens),
            Err(unavailable) => {
                assert_eq!(template, Some("chitml"), "{unavailable}");
                assert!(unavailable.message.contains("`chitml`"), "{unavailable}");
            }
        }
        house.stop().await;
    }
    let [own, named, plain] = answers[..] else { panic!("{answers:?}") };
    assert_eq!(own, named, "the model's own is ChatML");
    assert!(plain < own, "{plain}, {own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_prompt_that_fills_the_context_is_refused() {
    let mut plan = tier(ModelTier::Chat, real_model());
    plan.system_prompt = "Be kind. ".repeat(300);
    let house = House::settled(LoadPlan { tiers: vec![plan] }).await;
    let unavailable = house.models.generate(prompt("hi")).unwrap_err();
    assert!(unavailable.message.contains("system prompt"), "{unavailable}");
    house.stop().await;
}
