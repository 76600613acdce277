//! Workers that crash, hang, or are killed; readers that are slow or gone.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hearthd::core::reply::{Code, Finish};
use hearthd::inference::frames;
use hearthd::inference::protocol::{FromWorker, LoadPlan, ModelTier, ToWorker};
use hearthd::inference::supervisor::SupervisorOptions;
use hearthd::inference::supervisor::models::{AnswerEvent, ModelStates, TierState};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{House, PATIENCE, Reply, alive, chat, first_text, options, prompt, real_model, tier, within};

fn end(process: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(process).unwrap()), signal).unwrap();
}

/// Faults a process until it is gone. Rust's own handler takes the first such signal for a stack that overflowed, and lets
/// the faulting instruction fault again, which is not there where the signal was sent.
async fn fault(process: u32) {
    loop {
        let _ = kill(Pid::from_raw(i32::try_from(process).unwrap()), Signal::SIGSEGV);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// L2: a worker killed in the middle of an answer, as the kernel does when memory runs out.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_mid_answer_costs_that_answer_and_comes_back() {
    let house = House::settled(chat(real_model())).await;
    let worker = house.worker();
    let mut question = prompt("Tell me a long story about a dragon.");
    question.max_tokens = 300;
    let mut answer = house.models.generate(question).unwrap();
    first_text(&mut answer).await;
    end(worker, Signal::SIGKILL);
    let killed = Instant::now();
    let reply = Reply::read(answer).await;
    assert_eq!(reply.code(), Code::ModelCrashed);
    assert!(killed.elapsed() < Duration::from_secs(1), "{:?}", killed.elapsed());
    house.wait_for("another worker is ready", |states| states.ready() && states.worker != Some(worker)).await;
    assert!(house.ask(prompt("What is the capital of France?")).await.text().contains("Paris"));
    assert!(!alive(worker));
    house.stop().await;
}

/// L8: fifty workers that die in the middle of an answer, one after the other, by `abort()` and by a segmentation fault.
/// With the daemon around it: `a_model_that_keeps_aborting_takes_nothing_with_it`.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_crashes_in_a_row_leave_the_supervisor_up() {
    let house = House::settled(chat("fake:delay=1ms")).await;
    for round in 0..50 {
        let worker = house.wait_for("the worker is ready", ModelStates::ready).await.worker;
        let reply = if round % 2 == 0 {
            house.ask(prompt("CRASH")).await
        } else {
            let mut long = prompt("LONG");
            long.max_tokens = 100_000;
            let mut answer = house.models.generate(long).unwrap();
            first_text(&mut answer).await;
            tokio::select! {
                reply = Reply::read(answer) => reply,
                () = fault(worker.unwrap()) => unreachable!("it goes on for ever"),
            }
        };
        assert_eq!(reply.code(), Code::ModelCrashed, "round {round}");
        assert!(round % 2 == 1 || reply.text() == "fake answer to: ", "{reply:?}");
        house.wait_for("the crashed worker is gone", |states| states.worker != worker).await;
    }
    house.wait_for("the worker is ready", ModelStates::ready).await;
    assert_eq!(house.ask(prompt("ECHO still here")).await.text(), "still here");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_takes_no_answer_of_the_next_worker_with_it_and_others_wait_with_a_reason() {
    let house = House::settled(chat("fake:load=700ms")).await;
    assert_eq!(house.ask(prompt("CRASH")).await.code(), Code::ModelCrashed);
    house.wait_for("the worker is started again", |states| !states.ready()).await;
    let unavailable = house.models.generate(prompt("hi")).unwrap_err();
    assert_eq!(unavailable.code, Code::ModelUnavailable);
    assert!(unavailable.message.contains("started again"), "{unavailable}");
    house.wait_for("the worker is ready", ModelStates::ready).await;
    assert_eq!(house.ask(prompt("ECHO back")).await.text(), "back");
    house.stop().await;
}

/// L5: a decoder that hangs. With the daemon around it: `a_model_that_aborts_or_hangs_is_replaced`.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_hangs_is_killed_and_replaced() {
    let limits = SupervisorOptions { hang_after: Duration::from_millis(400), ..options() };
    let house = House::start(chat("fake:"), limits);
    let worker = house.wait_for("the worker is ready", ModelStates::ready).await.worker.unwrap();
    let reply = house.ask(prompt("HANG")).await;
    assert_eq!(reply.code(), Code::ModelCrashed);
    assert_eq!(reply.text(), "fake answer to: ");
    house.wait_for("another worker is ready", |states| states.ready() && states.worker != Some(worker)).await;
    assert!(!alive(worker));
    assert_eq!(house.ask(prompt("ECHO again")).await.text(), "again");
    house.stop().await;
}

/// L5: a decoder that hangs while its answer is to stop.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_does_not_stop_a_cancelled_answer_is_replaced() {
    let limits = SupervisorOptions { cancel_within: Duration::from_millis(400), ..options() };
    let house = House::start(chat("fake:"), limits);
    let worker = house.wait_for("the worker is ready", ModelStates::ready).await.worker.unwrap();
    let mut answer = house.models.generate(prompt("HANG")).unwrap();
    while !first_text(&mut answer).await.starts_with("to") {}
    // What it said last was said before the step in which it hangs; a word to cancel between the two would be heard.
    tokio::time::sleep(Duration::from_secs(1)).await;
    answer.cancel();
    assert_eq!(Reply::read(answer).await.finished().0, Finish::Cancelled);
    house.wait_for("another worker is ready", |states| states.ready() && states.worker != Some(worker)).await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_answer_is_no_hang_and_can_be_cancelled() {
    let limits = SupervisorOptions { hang_after: Duration::from_secs(2), ..options() };
    let house = House::start(chat("fake:"), limits);
    let worker = house.wait_for("the worker is ready", ModelStates::ready).await.worker;
    let mut answer = house.models.generate(prompt("SILENT")).unwrap();
    let first = within("its start", answer.next()).await;
    assert!(matches!(first, AnswerEvent::Started { .. }), "{first:?}");
    let quiet = tokio::time::timeout(Duration::from_secs(3), answer.next()).await;
    assert!(quiet.is_err(), "it said something: {quiet:?}");
    assert_eq!(house.ask(prompt("ECHO others do")).await.text(), "others do");
    answer.cancel();
    let (finish, usage) = Reply::read(answer).await.finished();
    assert_eq!((finish, usage.completion_tokens), (Finish::Cancelled, 0));
    assert_eq!(house.models.states().borrow().worker, worker);
    house.stop().await;
}

/// L6: a reader that takes nothing of 2,000 tokens. Over HTTP and MQTT: `tests/daemon/slow_readers.rs`.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_loses_its_own_answer_only() {
    let mut plan = chat("fake:delay=1ms");
    plan.tiers[0].slots = 2;
    let house = House::settled(plan).await;
    let worker = house.worker();
    let mut long = prompt("LONG");
    long.max_tokens = 2_000;
    let slow = house.models.generate(long.clone()).unwrap();
    let other = house.ask(long).await;
    let (finish, usage) = other.finished();
    assert_eq!((finish, usage.completion_tokens), (Finish::Length, 2_000));
    let slow = Reply::read(slow).await;
    assert_eq!(slow.code(), Code::TooSlow);
    assert_eq!(slow.chunks.len(), 255, "what was kept for it, the start among it");
    assert_eq!(house.worker(), worker);
    house.stop().await;
}

/// L4: a reader that is gone cancels its answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_frees_its_slot() {
    let mut plan = chat("fake:delay=5ms");
    plan.tiers[0].slots = 1;
    let house = House::settled(plan).await;
    for _ in 0..5 {
        let mut long = prompt("LONG");
        long.max_tokens = 1_000_000;
        let mut answer = house.models.generate(long).unwrap();
        first_text(&mut answer).await;
        drop(answer);
        assert_eq!(house.ask(prompt("ECHO free")).await.text(), "free");
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_questions_than_can_be_under_way_are_refused_at_once() {
    let house = House::settled(chat("fake:delay=5ms")).await;
    let mut answers = Vec::new();
    let refused = loop {
        match house.models.generate(prompt("SILENT")) {
            Ok(answer) => answers.push(answer),
            Err(refused) => break refused,
        }
        assert!(answers.len() < 1_000, "there is no bound");
    };
    assert_eq!(refused.code, Code::Busy);
    assert!(answers.len() >= 100, "{}", answers.len());
    drop(answers);
    let until = Instant::now() + PATIENCE;
    while house.models.generate(prompt("ECHO again")).is_err() {
        assert!(Instant::now() < until, "cancelled answers free their places");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_answers_while_the_large_model_is_still_loading() {
    let plan =
        LoadPlan { tiers: vec![tier(ModelTier::Explain, "fake:load=60000ms"), tier(ModelTier::Chat, "fake:words=2")] };
    let house = House::start(plan, options());
    let chat_ready = |states: &ModelStates| matches!(states.tiers[&ModelTier::Chat], TierState::Ready(_));
    let states = house.wait_for("chat is ready", chat_ready).await;
    assert_eq!(states.tiers[&ModelTier::Explain], TierState::Loading);
    assert!(!states.ready());
    assert_eq!(house.ask(prompt("hi")).await.text(), "fake answer ");
    let mut question = prompt("hi");
    question.tier = ModelTier::Explain;
    let unavailable = house.models.generate(question).unwrap_err();
    assert!(unavailable.message.contains("still loading"), "{unavailable}");
    let worker = house.worker();
    house.stop().await;
    assert!(!alive(worker), "it ended while it loaded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_ends_the_worker_while_loading_is_given_up_for_the_others_sake() {
    let plan = LoadPlan { tiers: vec![tier(ModelTier::Chat, "fake:crash"), tier(ModelTier::Explain, "fake:words=2")] };
    let house = House::settled(plan).await;
    let states = house.models.states().borrow().clone();
    assert!(matches!(states.tiers[&ModelTier::Chat], TierState::Failed(_)), "{states:?}");
    let mut question = prompt("hi");
    question.tier = ModelTier::Explain;
    assert_eq!(house.ask(question).await.text(), "fake answer ");
    house.stop().await;
}

/// L5: a decoder that hangs while it loads.
#[tokio::test(flavor = "multi_thread")]
async fn loading_for_too_long_is_a_fault_too() {
    let limits = SupervisorOptions { load_within: Duration::from_millis(300), ..options() };
    let house = House::start(chat("fake:load=60000ms"), limits);
    let gave_up = |states: &ModelStates| matches!(states.tiers[&ModelTier::Chat], TierState::Failed(_));
    house.wait_for("the model is given up", gave_up).await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_running_answers_and_leaves_no_process() {
    let house = House::settled(chat("fake:delay=5ms")).await;
    let worker = house.worker();
    let mut long = prompt("LONG");
    long.max_tokens = 1_000_000;
    let mut answer = house.models.generate(long).unwrap();
    first_text(&mut answer).await;
    let models = house.models.clone();
    house.stop().await;
    assert_eq!(Reply::read(answer).await.code(), Code::ShuttingDown);
    assert!(!std::path::Path::new(&format!("/proc/{worker}")).exists(), "gone, and no zombie");
    assert_eq!(models.generate(prompt("hi")).unwrap_err().code, Code::ModelUnavailable);
}

/// L5: a daemon that stops does not wait for a decoder that hangs.
#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_a_worker_that_hangs() {
    let house = House::settled(chat("fake:")).await;
    let worker = house.worker();
    let mut answer = house.models.generate(prompt("HANG")).unwrap();
    first_text(&mut answer).await;
    house.stop().await;
    assert!(!std::path::Path::new(&format!("/proc/{worker}")).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_cannot_be_started_is_no_reason_to_fail() {
    let nowhere = SupervisorOptions { program: Some("/nowhere/hearthd".into()), ..options() };
    let house = House::start(chat("fake:"), nowhere);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(house.models.generate(prompt("hi")).unwrap_err().code, Code::ModelUnavailable);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_model_there_is_no_worker() {
    let house = House::settled(LoadPlan::default()).await;
    assert!(house.models.states().borrow().ready());
    assert!(house.models.generate(prompt("hi")).unwrap_err().message.contains("no model is configured"));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_meant_for_the_daemon_do_not_end_the_worker() {
    let house = House::settled(chat("fake:delay=5ms")).await;
    let worker = house.worker();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        end(worker, signal);
    }
    assert_eq!(house.ask(prompt("ECHO still here")).await.text(), "still here");
    assert_eq!(house.worker(), worker);
    house.stop().await;
}

/// A worker without a supervisor.
fn bare_worker() -> (Child, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_hearthd"))
        .arg("model-worker")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()
        .unwrap();
    (child, ours)
}

async fn ended(mut child: Child) -> std::process::ExitStatus {
    within("the worker ends", tokio::task::spawn_blocking(move || child.wait().unwrap())).await.unwrap()
}

#[tokio::test]
async fn a_worker_ends_when_the_daemon_is_gone_even_mid_answer() {
    for text in ["HANG", "LONG"] {
        let (child, mut socket) = bare_worker();
        let mut bytes = Vec::new();
        frames::encode(&ToWorker::Load(chat("fake:delay=1ms")), &mut bytes).unwrap();
        let mut question = prompt(text);
        question.max_tokens = 1_000_000;
        socket.write_all(&bytes).unwrap();
        while !matches!(frames::read(&mut socket).unwrap(), Some(FromWorker::Ready)) {}
        bytes.clear();
        frames::encode(&ToWorker::Generate { request: 1, prompt: Box::new(question) }, &mut bytes).unwrap();
        socket.write_all(&bytes).unwrap();
        while !matches!(frames::read(&mut socket).unwrap(), Some(FromWorker::Text { .. })) {}
        drop(socket);
        ended(child).await;
    }
}

#[tokio::test]
async fn a_worker_that_is_sent_nonsense_ends_with_an_error() {
    let (child, mut socket) = bare_worker();
    socket.write_all(b"\x05\0\0\0hello").unwrap();
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    assert!(!ended(child).await.success());
}

#[tokio::test]
async fn a_worker_started_by_hand_says_that_it_is_no_use() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hearthd"));
    let child = command.arg("model-worker").stdin(Stdio::null()).spawn().unwrap();
    assert!(!ended(child).await.success());
}
