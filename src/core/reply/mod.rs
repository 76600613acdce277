//! What goes back: chunks while an answer is made, exactly one final object at its end, and the error codes.
//!
//! Builds values only; the transports write them out. The chunks of a reply joined equal the final object's `text`.

mod chunker;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::core::utterance::Tier;

pub use chunker::Chunker;

/// Why something was not done, as it stands in `error.code`. README.md says what to do about each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The payload, or a field of it, is not what the contract asks for.
    BadRequest,
    /// The text, an id or the conversation is longer than what can be answered.
    TooLong,
    /// The response topic lies outside the allowed prefixes.
    ReplyTopicNotAllowed,
    /// The id was taken before, and its answer is not known any more.
    Duplicate,
    /// As many answers are running and waiting as are allowed.
    Busy,
    /// The utterance came too late to be carried out.
    Expired,
    /// A command that no rule matches.
    NotUnderstood,
    /// A command that is understood, and nothing here carries it out.
    NotSupported,
    /// The device cannot be reached, so nothing was sent.
    DeviceOffline,
    /// What guards the house was not opened, since the PIN was wrong.
    NotConfirmed,
    /// The tier's model is missing, still loading or could not be loaded.
    ModelUnavailable,
    /// The model's process ended while it answered.
    ModelCrashed,
    /// Nothing was answered before the deadline.
    Timeout,
    /// The replies were not read as fast as they were made.
    TooSlow,
    /// The broker is away, so that a device command could not be sent.
    BrokerUnavailable,
    /// The request may not be made: its origin, host or token is wrong.
    Forbidden,
    /// The daemon is stopping.
    ShuttingDown,
    /// A fault of the program's own.
    Internal,
}

impl Code {
    /// Every code, for the page that lists them and the test that compares it.
    pub const ALL: [Self; 18] = [
        Self::BadRequest,
        Self::TooLong,
        Self::ReplyTopicNotAllowed,
        Self::Duplicate,
        Self::Busy,
        Self::Expired,
        Self::NotUnderstood,
        Self::NotSupported,
        Self::DeviceOffline,
        Self::NotConfirmed,
        Self::ModelUnavailable,
        Self::ModelCrashed,
        Self::Timeout,
        Self::TooSlow,
        Self::BrokerUnavailable,
        Self::Forbidden,
        Self::ShuttingDown,
        Self::Internal,
    ];

    /// The code as it stands on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::TooLong => "too_long",
            Self::ReplyTopicNotAllowed => "reply_topic_not_allowed",
            Self::Duplicate => "duplicate",
            Self::Busy => "busy",
            Self::Expired => "expired",
            Self::NotUnderstood => "not_understood",
            Self::NotSupported => "not_supported",
            Self::DeviceOffline => "device_offline",
            Self::NotConfirmed => "not_confirmed",
            Self::ModelUnavailable => "model_unavailable",
            Self::ModelCrashed => "model_crashed",
            Self::Timeout => "timeout",
            Self::TooSlow => "too_slow",
            Self::BrokerUnavailable => "broker_unavailable",
            Self::Forbidden => "forbidden",
            Self::ShuttingDown => "shutting_down",
            Self::Internal => "internal",
        }
    }

    /// The status of a final object with this code.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::Busy => Status::Busy,
            Self::Expired => Status::Expired,
            Self::NotUnderstood => Status::NotUnderstood,
            _ => Status::Error,
        }
    }
}

/// How an utterance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Answered.
    Ok,
    /// Stopped by its sender.
    Cancelled,
    /// A command that no rule matches.
    NotUnderstood,
    /// Refused because too much is running.
    Busy,
    /// Refused because it came too late.
    Expired,
    /// Not answered, or not to its end; `error` says why.
    Error,
}

/// Why a model's answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model had said everything.
    Stop,
    /// The longest answer allowed was reached.
    Length,
    /// Its sender stopped it.
    Cancelled,
    /// Its deadline passed.
    Timeout,
}

/// Tokens of one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Usage {
    /// Tokens of the whole prompt.
    pub prompt_tokens: u32,
    /// Those of them that were computed before, the system prompt's among them.
    pub cached_tokens: u32,
    /// Tokens of the answer.
    pub completion_tokens: u32,
}

/// Times of one utterance, from its arrival on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Timing {
    /// Milliseconds until it was looked at, waiting for a free slot included.
    pub queue_ms: f64,
    /// Milliseconds that matching and the choice of a tier took.
    pub route_ms: f64,
    /// Milliseconds until its first chunk was handed to the transport.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_chunk_ms: Option<f64>,
    /// Milliseconds until its final object.
    pub total_ms: f64,
    /// Tokens a second once the first was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<f64>,
}

/// The matched rule of a tier 1 answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MatchedIntent {
    /// The intent's name.
    pub name: String,
    /// Its slots.
    pub slots: Map<String, Value>,
    /// `file:line` of the rule.
    pub source: String,
}

/// A device command that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Action {
    /// Where it was published.
    pub topic: String,
    /// What was published.
    pub payload: String,
    /// The device that it was for, where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// What came of it: `confirmed`, `moving`, `already`, `unanswered`, or `sent` where the device never reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
}

/// What went wrong, for a program and for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorBody {
    /// For programs.
    pub code: Code,
    /// One sentence a person can act on.
    pub message: String,
}

/// The object that ends an utterance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Final {
    /// The utterance's id; left out where it had no usable one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its place among the reply's objects.
    pub seq: u32,
    /// Always `true`.
    pub done: bool,
    /// How it ended.
    pub status: Status,
    /// Who answered, or would have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// The whole answer: the chunks joined.
    pub text: String,
    /// The model's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why a model's answer ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish: Option<Finish>,
    /// A model's tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Where the time went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    /// The rule that matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<MatchedIntent>,
    /// All of them, where several commands were said in one breath.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub intents: Vec<MatchedIntent>,
    /// The device commands carried out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
    /// The nearest known devices or phrasings of something not understood.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<String>,
    /// Why the other tier answered than the one that was to, where that one's server is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// Set where no model was asked, since the same question was answered before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// Set where this repeats the answer to an id that was sent again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

impl Final {
    /// A final object with nothing but its outcome; the caller fills in what it knows.
    #[must_use]
    pub fn new(id: Option<String>, status: Status) -> Self {
        Self {
            id,
            seq: 0,
            done: true,
            status,
            tier: None,
            text: String::new(),
            model: None,
            finish: None,
            usage: None,
            timing: None,
            intent: None,
            intents: Vec::new(),
            actions: Vec::new(),
            error: None,
            suggestions: Vec::new(),
            fallback: None,
            cached: false,
            duplicate: false,
        }
    }

    /// A final object that says why nothing was answered.
    #[must_use]
    pub fn refusal(id: Option<String>, code: Code, message: impl Into<String>) -> Self {
        Self { error: Some(ErrorBody { code, message: message.into() }), ..Self::new(id, code.status()) }
    }
}

/// One object of a reply.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// A piece of the answer.
    Chunk {
        /// The utterance's id.
        id: String,
        /// Its place among the reply's objects.
        seq: u32,
        /// The piece.
        chunk: String,
    },
    /// The end.
    Final(Box<Final>),
}

impl Reply {
    /// The object as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Every field is a string, a number or a map with string keys, none of which can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What a `format: text` client is sent, payload by payload; the empty one says that it is over.
    #[must_use]
    pub fn to_text(&self, streamed: bool) -> Vec<String> {
        match self {
            Self::Chunk { chunk, .. } => vec![chunk.clone()],
            Self::Final(last) => {
                let rest = match &last.error {
                    Some(error) => error.message.clone(),
                    None if streamed => String::new(),
                    None => last.text.clone(),
                };
                if rest.is_empty() { vec![rest] } else { vec![rest, String::new()] }
            }
        }
    }
}
