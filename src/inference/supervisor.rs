//! stub
#![allow(missing_docs, clippy::all)]
use super::protocol::*;
use crate::core::reply::{Code, Finish, Usage};
use tokio::sync::watch;
#[derive(Default)]
pub struct SupervisorOptions;
#[derive(Clone)]
pub struct Models;
pub struct Supervision;
impl Supervision {
    pub async fn run(self, s: impl Future<Output = ()>) {
        s.await
    }
}
pub struct Unavailable {
    pub message: String,
}
pub struct Answer;
pub enum AnswerEvent {
    Started { dropped_turns: usize },
    Text(String),
    Finished { finish: Finish, usage: Usage, decode_ms: f64 },
    Failed { code: Code, message: String },
}
impl Answer {
    pub async fn next(&mut self) -> AnswerEvent {
        AnswerEvent::Text(String::new())
    }
}
#[derive(Clone)]
pub enum TierState {
    Ready(LoadedTier),
    Loading,
    Restarting,
    Failed(String),
}
#[derive(Clone)]
pub struct ModelStates;
impl ModelStates {
    pub fn tier(&self, _: ModelTier) -> &TierState {
        &TierState::Loading
    }
}
impl Models {
    pub fn generate(&self, _: Prompt) -> Result<Answer, Unavailable> {
        Err(Unavailable { message: String::new() })
    }
    pub fn states(&self) -> watch::Receiver<ModelStates> {
        watch::channel(ModelStates).1
    }
    pub fn plan(&self) -> &LoadPlan {
        todo!()
    }
}
pub fn supervise(_: LoadPlan, _: SupervisorOptions) -> (Models, Supervision) {
    (Models, Supervision)
}
