//! One answer of a model server: the question as JSON, the stream as events, every way it can fail as a code.
//!
//! Until the first word, any failure of the server's is `model_unavailable`, so that the other tier can answer; after it,
//! `model_crashed`. The deadline is the engine's: it drops the answer, which closes the connection.

use http_body_util::BodyExt;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::RemoteTier;
use super::connection::{self, Away, Reply};
use super::events::{Events, Said};
use crate::core::reply::{Code, Finish, Usage};
use crate::inference::protocol::Prompt;
use crate::inference::supervisor::models::{AnswerEvent, Listener};
use crate::inference::worker::text::AnswerText;

/// Bytes that a token stands for at most, on the whole: a server that goes on beyond it does not keep to `max_tokens`.
const BYTES_A_TOKEN: usize = 32;
/// Characters that a token stands for at least, on the whole: what of a conversation surely fits.
const CHARACTERS_A_TOKEN: usize = 3;

/// What an answer came to.
pub(super) struct Outcome {
    /// The last event of its reader.
    pub(super) last: AnswerEvent,
    /// Why the server counts as away, where it does.
    pub(super) away: Option<String>,
}

impl Outcome {
    fn failed(code: Code, message: String) -> Self {
        Self { last: AnswerEvent::failed(code, message), away: None }
    }
}

/// Asks, and passes on what comes. Everything but the last event goes to the listener.
pub(super) async fn make(tier: &RemoteTier, prompt: &Prompt, listener: &Listener) -> Outcome {
    let (body, dropped_turns) = question(tier, prompt);
    // A full channel ends in waiting, and that in a closed window of the connection: nothing is read that nobody takes.
    if listener.events.send(AnswerEvent::Started { dropped_turns }).await.is_err() {
        return Outcome::failed(Code::Internal, "nobody reads the answer".to_owned());
    }
    let reply = match connection::send(tier, Method::POST, "/chat/completions", body).await {
        Ok(reply) => reply,
        Err(Away(why)) => {
            let last = unavailable(tier, &why);
            return Outcome { last, away: Some(why) };
        }
    };
    if reply.response.status() != StatusCode::OK {
        return refused(tier, reply).await;
    }
    relay(tier, prompt, reply, listener).await
}

fn unavailable(tier: &RemoteTier, why: &str) -> AnswerEvent {
    AnswerEvent::failed(Code::ModelUnavailable, format!("the server of {} does not answer: {why}", tier.name))
}

/// A status that is no success, as a code.
async fn refused(tier: &RemoteTier, reply: Reply) -> Outcome {
    let status = reply.response.status();
    let text = connection::error_body(reply).await;
    log::warn!("the server of {} answers {status}: {text}", tier.name);
    let lowered = text.to_lowercase();
    let too_long =
        status == StatusCode::PAYLOAD_TOO_LARGE || (status == StatusCode::BAD_REQUEST && lowered.contains("context"));
    let why = super::status_text(status);
    match status {
        _ if too_long => Outcome::failed(Code::TooLong, format!("the conversation is too long for {}", tier.name)),
        StatusCode::TOO_MANY_REQUESTS => {
            Outcome::failed(Code::Busy, format!("the server of {} is busy; ask again in a moment", tier.name))
        }
        _ if status.is_server_error() => Outcome { last: unavailable(tier, &why), away: Some(why) },
        _ => Outcome { last: unavailable(tier, &why), away: None },
    }
}

/// The question as the server takes it, and how many earlier exchanges are left out of it.
fn question(tier: &RemoteTier, prompt: &Prompt) -> (Vec<u8>, usize) {
    let tokens = tier.ctx_size.saturating_sub(prompt.max_tokens);
    let said = prompt.said();
    let mut left = usize::try_from(tokens).unwrap_or(usize::MAX).saturating_mul(CHARACTERS_A_TOKEN);
    left = left.saturating_sub(tier.system_prompt.chars().count() + said.chars().count());
    let fits = prompt.turns.iter().rev().take_while(|turn| {
        let size = turn.user.chars().count() + turn.assistant.chars().count();
        let enough = size <= left;
        left = left.saturating_sub(size);
        enough
    });
    let kept = fits.count();
    let dropped = prompt.turns.len() - kept;
    let mut messages: Vec<Value> = Vec::new();
    if !tier.system_prompt.is_empty() {
        messages.push(json!({ "role": "system", "content": tier.system_prompt }));
    }
    for turn in &prompt.turns[dropped..] {
        messages.push(json!({ "role": "user", "content": turn.user }));
        messages.push(json!({ "role": "assistant", "content": turn.assistant }));
    }
    messages.push(json!({ "role": "user", "content": said }));
    let sampling = &prompt.sampling;
    let mut body = json!({
        "model": tier.name,
        "messages": messages,
        "stream": true,
        "stream_options": { "include_usage": true },
        "max_tokens": prompt.max_tokens,
        "temperature": shortest(sampling.temperature),
        "top_p": shortest(sampling.top_p),
        "top_k": sampling.top_k,
        "min_p": shortest(sampling.min_p),
        // llama-server's name for it and vLLM's; each ignores the other's.
        "repeat_penalty": shortest(sampling.repeat_penalty),
        "repetition_penalty": shortest(sampling.repeat_penalty),
    });
    if let (Some(seed), Some(body)) = (sampling.seed, body.as_object_mut()) {
        body.insert("seed".to_owned(), seed.into());
    }
    (body.to_string().into_bytes(), dropped)
}

/// The number as it stands in the config: 0.7, not 0.699999988079071.
fn shortest(number: f32) -> Value {
    number.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

/// What an answer is made of, as it comes.
struct Progress {
    text: AnswerText,
    bytes: usize,
    pieces: u32,
    finish: Option<Finish>,
    usage: Option<Usage>,
    first: Option<Instant>,
    last: Option<Instant>,
    spoke: bool,
    done: bool,
}

async fn relay(tier: &RemoteTier, prompt: &Prompt, mut reply: Reply, listener: &Listener) -> Outcome {
    let mut events = Events::default();
    let mut progress = Progress {
        text: AnswerText::new(&[]),
        bytes: 0,
        pieces: 0,
        finish: None,
        usage: None,
        first: None,
        last: None,
        spoke: false,
        done: false,
    };
    let most = usize::try_from(prompt.max_tokens).unwrap_or(usize::MAX).saturating_mul(BYTES_A_TOKEN);
    let why = loop {
        let frame = match reply.response.body_mut().frame().await {
            Some(Ok(frame)) => frame,
            Some(Err(_)) | None if progress.finish.is_some() => break None,
            Some(Err(_)) | None => break Some("it broke off".to_owned()),
        };
        let Some(data) = frame.data_ref() else { continue };
        let mut said = Vec::new();
        let wrong = events.push(data, &mut said).err();
        for said in said {
            if let Some(text) = progress.take(&said) {
                progress.spoke = true;
                if listener.events.send(AnswerEvent::Text(text)).await.is_err() {
                    return Outcome::failed(Code::Internal, "nobody reads the answer".to_owned());
                }
            }
        }
        if let Some(wrong) = wrong.filter(|_| !progress.done) {
            break Some(wrong.to_string());
        }
        if progress.bytes > most {
            progress.finish.get_or_insert(Finish::Length);
            break None;
        }
        if progress.done || progress.text.stopped() {
            break None;
        }
    };
    if let Some(why) = why {
        log::warn!("the server of {} failed in its answer: {why}", tier.name);
        if progress.spoke {
            let message = format!("the server of {} failed in the middle of its answer: {why}", tier.name);
            return Outcome::failed(Code::ModelCrashed, message);
        }
        return Outcome { last: unavailable(tier, &why), away: None };
    }
    progress.end(listener).await
}

impl Progress {
    fn take(&mut self, said: &Said) -> Option<String> {
        self.usage = said.usage.or(self.usage);
        self.finish = said.finish.or(self.finish);
        self.done |= said.done;
        if said.text.is_empty() {
            return None;
        }
        let now = Instant::now();
        self.first.get_or_insert(now);
        self.last = Some(now);
        self.pieces = self.pieces.saturating_add(1);
        self.bytes = self.bytes.saturating_add(said.text.len());
        self.text.push(said.text.as_bytes())
    }

    async fn end(self, listener: &Listener) -> Outcome {
        let finish = if self.text.stopped() { Finish::Stop } else { self.finish.unwrap_or(Finish::Stop) };
        let decode_ms = match (self.first, self.last) {
            (Some(first), Some(last)) => last.duration_since(first).as_secs_f64() * 1_000.0,
            _ => 0.0,
        };
        // A server that does not count sends a token a piece, as far as anybody can tell.
        let usage = self.usage.unwrap_or(Usage { completion_tokens: self.pieces, ..Usage::default() });
        if let Some(rest) = self.text.finish()
            && listener.events.send(AnswerEvent::Text(rest)).await.is_err()
        {
            log::debug!("nobody reads the answer's end");
        }
        Outcome { last: AnswerEvent::Finished { finish, usage, decode_ms }, away: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::dialogue::Turn;
    use crate::core::sampling::Sampling;
    use crate::core::server::ServerAddress;
    use crate::inference::protocol::ModelTier;

    #[test]
    fn the_question_has_the_prompts_parts_in_order_and_leaves_out_what_cannot_fit() {
        let tier = RemoteTier {
            tier: ModelTier::Explain,
            name: "m".to_owned(),
            server: ServerAddress::parse("http://box:1/v1").unwrap(),
            api_key: None,
            ctx_size: 200,
            slots: 1,
            system_prompt: "Be brief.".to_owned(),
        };
        let turn = |text: &str| Turn { user: text.to_owned(), assistant: "yes".to_owned() };
        let prompt = Prompt {
            tier: ModelTier::Explain,
            user: "u".to_owned(),
            turns: vec![turn("old"), turn(&"x".repeat(400)), turn("new")],
            text: "why?".to_owned(),
            context: "Now: noon.".to_owned(),
            max_tokens: 100,
            sampling: Sampling {
                temperature: 0.7,
                top_k: 40,
                top_p: 0.95,
                min_p: 0.05,
                repeat_penalty: 1.1,
                seed: Some(3),
            },
        };
        let (body, dropped) = question(&tier, &prompt);
        let body: Value = serde_json::from_slice(&body).unwrap();
        let contents: Vec<&str> =
            body["messages"].as_array().unwrap().iter().map(|message| message["content"].as_str().unwrap()).collect();
        assert_eq!((contents, dropped), (vec!["Be brief.", "new", "yes", "why?\n\n(Now: noon.)"], 2));
        assert_eq!((&body["temperature"], &body["seed"], &body["stream"]), (&json!(0.7), &json!(3), &json!(true)));
    }
}
