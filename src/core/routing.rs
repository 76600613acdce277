//! stub
#![allow(missing_docs, clippy::all)]
use crate::core::utterance::Tier;
#[derive(Clone, Copy, PartialEq)]
pub enum Route {
    Intent,
    NotUnderstood,
    Chat,
    Explain,
}
pub struct Decision {
    pub tier: Route,
    pub reason: String,
}
pub fn route(_: &str, _: Option<Tier>, _: bool) -> Decision {
    Decision { tier: Route::Chat, reason: String::new() }
}
