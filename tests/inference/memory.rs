//! Workers that run out of memory or meet instructions that the processor has not, and the waits between those that die one
//! after the other.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use hearthd::inference::protocol::{LoadPlan, ModelTier};
use hearthd::inference::supervisor::SupervisorOptions;
use hearthd::inference::supervisor::models::{ModelStates, TierState};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{House, chat, kib_of, options, prompt, real_model, tier};

/// Workers that a shell starts behind this line.
fn behind(line: &str) -> SupervisorOptions {
    let program = format!("{line}; exec \"$0\" \"$@\"");
    let args = ["-c", &program, env!("CARGO_BIN_EXE_hearthd"), "model-worker"].map(str::to_owned).to_vec();
    SupervisorOptions { program: Some("/bin/sh".into()), args, ..options() }
}

/// The real model with a context that takes a few hundred megabytes, beside one that takes none.
fn large() -> LoadPlan {
    let mut large = tier(ModelTier::Chat, real_model());
    large.ctx_size = 2048;
    LoadPlan { tiers: vec![large, tier(ModelTier::Explain, "fake:words=2")] }
}

/// Waits until the large model is given up and the other answers; what is said of it.
async fn given_up(house: &House) -> String {
    let small_answers = |states: &ModelStates| matches!(states.tiers[&ModelTier::Explain], TierState::Ready(_));
    let settled = |states: &ModelStates| states.settled() && small_answers(states);
    let states = house.wait_for("the large model is given up, and the other loaded", settled).await;
    let TierState::Failed(message) = &states.tiers[&ModelTier::Chat] else { panic!("{states:?}") };
    let mut question = prompt("hi");
    question.tier = ModelTier::Explain;
    assert_eq!(house.ask(question).await.text(), "fake answer ");
    assert!(house.models.generate(prompt("hi")).unwrap_err().message.contains(message));
    message.clone()
}

/// L2: a model that does not fit in the memory that its process may address.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_larger_than_its_address_space_is_given_up() {
    let house = House::settled(chat("fake:")).await;
    let peak = kib_of(house.worker(), "VmPeak");
    house.stop().await;
    // What a worker without a model takes, and half of the model's file.
    let limit = peak + std::fs::metadata(real_model()).unwrap().len() / 2048;
    let house = House::start(large(), behind(&format!("ulimit -v {limit}")));
    eprintln!("{limit} KiB: {}", given_up(&house).await);
    house.stop().await;
}

/// A part of this process's own memory group with a limit of its own, gone with this value.
struct MemoryGroup(PathBuf);

impl MemoryGroup {
    fn new(limit: &str) -> Option<Self> {
        let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = groups.lines().find_map(|line| line.split_once(":memory:"))?.1.trim_start_matches('/').to_owned();
        let folder = PathBuf::from("/sys/fs/cgroup/memory").join(own).join(format!("hearthd-{}", std::process::id()));
        std::fs::create_dir(&folder).ok()?;
        let group = Self(folder);
        std::fs::write(group.0.join("memory.limit_in_bytes"), limit).ok()?;
        Some(group)
    }

    fn deaths(&self) -> u64 {
        let control = std::fs::read_to_string(self.0.join("memory.oom_control")).unwrap();
        control.lines().find_map(|line| line.strip_prefix("oom_kill ")).unwrap_or("0").parse().unwrap()
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// L2: a model larger than its memory, where the kernel kills the process. It is tried three times.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_the_kernel_kills_for_its_memory_is_given_up() {
    let Some(group) = MemoryGroup::new("48M") else {
        eprintln!("SKIPPED: no memory group (version 1) can be made here, as root can where the kernel has them");
        return;
    };
    let house = House::start(large(), behind(&format!("echo $$ > '{}/cgroup.procs'", group.0.display())));
    let message = given_up(&house).await;
    assert!(message.contains("memory runs out"), "{message}");
    house.stop().await;
    assert_eq!(group.deaths(), 3);
}

/// L8: a program that was built for another processor.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_meets_an_illegal_instruction_says_what_it_was_built_for() {
    let house = House::start(chat("fake:"), behind("kill -ILL $$"));
    house.wait_for("the model is given up", ModelStates::settled).await;
    let unavailable = house.models.generate(prompt("hi")).unwrap_err();
    assert!(unavailable.message.contains("built for a processor with other instructions"), "{unavailable}");
    house.stop().await;
}

/// L2: a worker that is killed again and again is started again each time, after waits that double up to the longest.
#[tokio::test(flavor = "multi_thread")]
async fn waits_between_workers_that_are_killed_double() {
    let waits = [100, 200, 400, 400, 400];
    let (first_wait, longest_wait) = (Duration::from_millis(waits[0]), Duration::from_millis(waits[4]));
    let house = House::start(chat("fake:"), SupervisorOptions { first_wait, longest_wait, ..options() });
    let mut began = None;
    for _ in waits {
        let worker = house.wait_for("a worker is ready", ModelStates::ready).await.worker;
        began.get_or_insert_with(Instant::now);
        kill(Pid::from_raw(worker.unwrap().try_into().unwrap()), Signal::SIGKILL).unwrap();
        house.wait_for("it is gone", |states| states.worker != worker).await;
    }
    house.wait_for("a worker is ready", ModelStates::ready).await;
    // A busy machine takes longer; none takes less.
    let waited = began.unwrap().elapsed();
    assert!(waited >= Duration::from_millis(waits.iter().sum()), "{waited:?}");
    assert_eq!(house.ask(prompt("ECHO still here")).await.text(), "still here");
    house.stop().await;
}
