//! A tier that a server elsewhere answers: what it is asked, what comes of its answers, and of every way it can fail.

use std::time::Duration;

use hearthd::core::dialogue::Turn;
use hearthd::core::reply::{Code, Finish, Usage};
use hearthd::core::secret::Secret;
use hearthd::core::server::ServerAddress;
use hearthd::inference::protocol::{LoadPlan, ModelTier};
use hearthd::inference::remote::RemoteTier;
use hearthd::inference::supervisor::models::{ModelStates, TierState};

use crate::model_server::{Mode, ModelServer};
use crate::support::{House, Reply, first_text, options, prompt, within};

fn tier(url: &str) -> RemoteTier {
    RemoteTier {
        tier: ModelTier::Chat,
        name: "away-model".to_owned(),
        server: ServerAddress::parse(&format!("{url}/")).unwrap(),
        api_key: Some(Secret::new("canary-key".to_owned())),
        ctx_size: 512,
        slots: 2,
        system_prompt: "Be brief.".to_owned(),
    }
}

async fn house(server: &ModelServer) -> House {
    let house = House::beside(LoadPlan::default(), vec![tier(&server.url())], options());
    house.wait_for("the server is found", ModelStates::ready).await;
    house
}

#[tokio::test]
async fn its_stream_is_the_answer_and_the_prompt_is_its_question() {
    let server = ModelServer::start(Mode::Pieces(vec![" Good", " day", "\u{7}!"])).await;
    let house = house(&server).await;
    let mut asked = prompt("hello");
    asked.turns = vec![Turn { user: "hi".to_owned(), assistant: "hi.".to_owned() }];
    let reply = house.ask(asked).await;
    assert_eq!((reply.text().as_str(), reply.dropped_turns), ("Good day!", Some(0)), "no control characters");
    assert_eq!(reply.finished(), (Finish::Stop, Usage { prompt_tokens: 12, cached_tokens: 0, completion_tokens: 3 }));
    let (head, body) = server.questions().remove(0);
    assert!(head.to_lowercase().contains("authorization: bearer canary-key"), "{head}");
    assert_eq!((&body["model"], body["messages"].as_array().unwrap().len()), (&"away-model".into(), 4), "{body}");
    assert_eq!((&body["max_tokens"], &body["stream"], &body["seed"]), (&24.into(), &true.into(), &7.into()), "{body}");
    server.all_closed().await;
    house.stop().await;
}

#[tokio::test]
async fn what_is_cancelled_or_dropped_closes_its_connection() {
    let server = ModelServer::start(Mode::Slow(Duration::from_millis(20))).await;
    let house = house(&server).await;
    let mut answer = house.models.generate(prompt("talk")).unwrap();
    first_text(&mut answer).await;
    answer.cancel();
    assert_eq!(Reply::read(answer).await.finished().0, Finish::Cancelled);
    server.all_closed().await;
    let mut answer = house.models.generate(prompt("talk")).unwrap();
    first_text(&mut answer).await;
    drop(answer);
    server.all_closed().await;
    // A server that says nothing is left as soon as nobody wants to wait any more.
    server.set(Mode::Never);
    let mut answers: Vec<_> = (0..5).map(|_| house.models.generate(prompt("talk")).unwrap()).collect();
    within("two of them are asked", async {
        while server.questions().len() < 4 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    for answer in &mut answers {
        answer.cancel();
    }
    for answer in answers {
        assert_eq!(Reply::read(answer).await.finished().0, Finish::Cancelled);
    }
    server.all_closed().await;
    assert_eq!(server.questions().len(), 4, "no more than its slots at once, and none after it was cancelled");
    house.stop().await;
}

#[tokio::test]
async fn it_does_not_talk_for_ever() {
    let server = ModelServer::start(Mode::Slow(Duration::ZERO)).await;
    let house = house(&server).await;
    let reply = house.ask(prompt("talk")).await;
    assert_eq!(reply.finished().0, Finish::Length);
    server.set(Mode::Pieces(vec!["The rain falls on the roof and on the garden wall. "; 9]));
    let reply = house.ask(prompt("talk")).await;
    assert_eq!((reply.finished().0, reply.text().matches("rain").count()), (Finish::Stop, 2), "{}", reply.text());
    server.all_closed().await;
    house.stop().await;
}

#[tokio::test]
async fn every_failure_is_told_by_its_code() {
    let server = ModelServer::start(Mode::Never).await;
    let house = house(&server).await;
    let context = r#"{"error":{"code":400,"message":"the request exceeds the available context size"}}"#;
    for (mode, code) in [
        (Mode::Status(400, context), Code::TooLong),
        (Mode::Status(400, r#"{"error":"no"}"#), Code::ModelUnavailable),
        (Mode::Status(401, ""), Code::ModelUnavailable),
        (Mode::Status(404, "<html>"), Code::ModelUnavailable),
        (Mode::Status(429, "{}"), Code::Busy),
        (Mode::Raw("<html>\nhello</html>\n"), Code::ModelUnavailable),
        (Mode::Raw("data: {\"choices\":[{\"delta\":{\"con\n"), Code::ModelUnavailable),
        (Mode::Raw(""), Code::ModelUnavailable),
        (Mode::Raw("data: {\"error\":{\"message\":\"out of memory\"}}\n\n"), Code::ModelUnavailable),
        (Mode::Raw("data: {\"choices\":[{\"delta\":{\"content\":\"Half\"}}]}\n\ndata: }{\n\n"), Code::ModelCrashed),
        (Mode::Cut, Code::ModelCrashed),
    ] {
        server.set(mode.clone());
        let reply = house.ask(prompt("talk")).await;
        assert_eq!(reply.code(), code, "{mode:?}: {reply:?}");
    }
    server.set(Mode::Pieces(vec!["Here."]));
    assert_eq!(house.ask(prompt("talk")).await.text(), "Here.", "and none of them is the end of it");
    house.stop().await;
}

#[tokio::test]
async fn a_server_that_is_away_is_known_to_be_and_found_again() {
    let server = ModelServer::start(Mode::Pieces(vec!["Here."])).await;
    let (house, address) = (house(&server).await, server.address);
    let away = |states: &hearthd::inference::supervisor::models::ModelStates| {
        matches!(states.tiers[&ModelTier::Chat], TierState::Away(_))
    };
    server.set(Mode::Down(500));
    assert_eq!(house.ask(prompt("talk")).await.code(), Code::ModelUnavailable);
    house.wait_for("a server in trouble is away", away).await;
    let refused = house.models.generate(prompt("talk")).unwrap_err();
    assert!(refused.code == Code::ModelUnavailable && refused.message.contains("away-model"), "{refused}");
    server.set(Mode::Pieces(vec!["Here."]));
    house.wait_for("it is back", ModelStates::ready).await;
    drop(server);
    assert_eq!(house.ask(prompt("talk")).await.code(), Code::ModelUnavailable);
    house.wait_for("nobody listens", away).await;
    let server = ModelServer::at(address, Mode::Down(401)).await;
    let refused = |states: &hearthd::inference::supervisor::models::ModelStates| matches!(&states.tiers[&ModelTier::Chat], TierState::Failed(why) if why.contains("api_key_file"));
    house.wait_for("it refuses our key", refused).await;
    server.set(Mode::Pieces(vec!["Here."]));
    house.wait_for("it takes our key", ModelStates::ready).await;
    assert_eq!(house.ask(prompt("talk")).await.text(), "Here.");
    house.stop().await;
}

#[tokio::test]
async fn it_stands_beside_the_worker_and_stops_with_the_daemon() {
    let server = ModelServer::start(Mode::Slow(Duration::from_millis(20))).await;
    let mut local = crate::support::tier(ModelTier::Explain, "fake:words=3");
    local.name = "here".to_owned();
    let house = House::beside(LoadPlan { tiers: vec![local] }, vec![tier(&server.url())], options());
    house.wait_for("both answer", |states| states.ready() && states.tiers.len() == 2).await;
    let mut explain = prompt("ECHO from here");
    explain.tier = ModelTier::Explain;
    assert_eq!(house.ask(explain).await.text(), "from here");
    let mut answer = house.models.generate(prompt("talk")).unwrap();
    first_text(&mut answer).await;
    house.stop().await;
    assert_eq!(Reply::read(answer).await.code(), Code::ShuttingDown);
    server.all_closed().await;
}
