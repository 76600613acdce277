//! Questions that were answered before.

use serde_json::{Value, json};

use crate::client::{Client, Version};
use crate::home::{Home, Reply, ask, fresh, with_mosquitto, with_plan};
use crate::web::try_get;

async fn by(client: &mut Client, user: &str, text: &str) -> Reply {
    ask(client, &json!({ "id": fresh("repeated"), "user_id": user, "text": text, "tier": "explain" })).await
}

async fn hits(home: &Home) -> String {
    let (_, metrics) = try_get(home.http, "/metrics").await.unwrap();
    let line = metrics.lines().find(|line| line.starts_with("hearthd_cached_answers_total ")).unwrap();
    line.rsplit(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_same_question_is_answered_at_once_and_streamed() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    let question = "ECHO Granite is stone. It comes from lava.";
    let first = by(&mut client, "ann", question).await;
    assert!(first.last["cached"].is_null(), "{}", first.last);
    let again = by(&mut client, "bob", "  echo granite is stone. It comes  from LAVA ").await;
    assert_eq!(again.last["cached"], true, "{}", again.last);
    assert_eq!((again.text(), again.chunks.len()), (first.text(), 2), "by its sentences");
    for field in ["status", "tier", "model", "finish"] {
        assert_eq!(again.last[field], first.last[field], "{field}: {}", again.last);
    }
    assert_eq!((&again.last["usage"], hits(&home).await.as_str()), (&Value::Null, "1"));
    // Bob's next prompt has it as his earlier turn, as Ann's has.
    let counted = |reply: &Reply| reply.last["usage"]["prompt_tokens"].as_u64().unwrap();
    let next = "ECHO what is next";
    let (fresh_one, bobs) = (by(&mut client, "cid", next).await, by(&mut client, "bob", next).await);
    assert!(counted(&bobs) > counted(&fresh_one), "{} {}", bobs.last, fresh_one.last);
    // In the middle of a conversation it is a question like any other.
    assert!(by(&mut client, "bob", question).await.last["cached"].is_null());
    // The other tier has answers of its own.
    let chat =
        ask(&mut client, &json!({ "id": fresh("chat"), "user_id": "eve", "text": question, "tier": "chat" })).await;
    assert!(chat.last["cached"].is_null(), "{}", chat.last);
    // Without a stream the final object is all.
    let whole = json!({ "id": fresh("whole"), "user_id": "dan", "text": question, "tier": "explain", "stream": false });
    let whole = ask(&mut client, &whole).await;
    assert!(whole.last["cached"] == true && whole.chunks.is_empty() && whole.text() == first.text());
}

#[tokio::test]
async fn what_depends_on_time_place_person_or_luck_is_never_repeated_nor_what_was_cut_short() {
    let (_broker, home) = with_plan(|plan| plan.more = "    max_tokens: 8\n".to_owned()).await;
    let mut client = home.client(Version::V5).await;
    for (number, text) in [
        "ECHO what time is it now",
        "ECHO which room is this",
        "ECHO what is my name",
        "ECHO tell me a joke",
        "ECHO is it raining",
        "ECHO one two three four six seven nine ten eleven twelve",
    ]
    .into_iter()
    .enumerate()
    {
        for user in ["ann", "bob"] {
            let reply = by(&mut client, &format!("{user}{number}"), text).await;
            assert!(reply.last["cached"].is_null(), "{text}: {}", reply.last);
        }
    }
    assert_eq!(hits(&home).await, "0");
}

#[tokio::test]
async fn a_reload_of_the_config_forgets_and_it_can_be_off() {
    let (_broker, home) = with_mosquitto().await;
    let mut client = home.client(Version::V5).await;
    let question = "ECHO Granite is stone.";
    by(&mut client, "ann", question).await;
    assert_eq!(by(&mut client, "bob", question).await.last["cached"], true);
    reload(&home, &mut client, "reply: {join: 39ms}\n").await;
    assert!(by(&mut client, "cid", question).await.last["cached"].is_null(), "what was before the reload is forgotten");
    assert_eq!(by(&mut client, "dan", question).await.last["cached"], true);
    reload(&home, &mut client, "reply: {join: 39ms, cache: {entries: 0}}\n").await;
    for user in ["eve", "fay"] {
        assert!(by(&mut client, user, question).await.last["cached"].is_null());
    }
}

/// Puts a `reply:` section in place of the config's and waits until the daemon has it.
async fn reload(home: &Home, client: &mut Client, reply: &str) {
    let path = home.folder.path().join("config.yaml");
    let config = std::fs::read_to_string(&path).unwrap();
    let rest: Vec<&str> = config.lines().filter(|line| !line.starts_with("reply:")).collect();
    std::fs::write(&path, format!("{}\n{reply}", rest.join("\n"))).unwrap();
    let reloads = home.log().matches("reloaded:").count();
    client.publish("hearthd/admin/reload", "", 1, false).await;
    let began = std::time::Instant::now();
    while home.log().matches("reloaded:").count() == reloads {
        assert!(began.elapsed() < crate::client::LIMIT, "no reload: {}", home.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
