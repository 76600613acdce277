//! What it is worth that the system prompt is computed once: beside a worker without one, whose questions carry its text
//! (behind their own words, so that nothing of it is known from the question before).

use super::Outcome;
use crate::Failure;
use crate::daemon::{Daemon, Model, Question, Setup};
use crate::files::Size;
use crate::questions::{Questions, SYSTEM};
use crate::scene::Scene;
use crate::table::{Bar, Line, Pairs};

const TOKENS: u32 = 8;
const BAR: Bar = Bar::AtLeast(0.95);

pub(super) async fn run(scene: &Scene) -> Result<Outcome, Failure> {
    let model = Model::new(&scene.model(Size::Small, scene.format()), TOKENS);
    let start = |chat| Setup::new(chat, Model::none(), scene.threads);
    let mut with = Daemon::start(&start(model.clone())).await?;
    let mut without = Daemon::start(&start(Model { system: "", ..model })).await?;
    let mut questions = Questions::default();
    // The system prompt's tokens are those that a question has more with it than without it.
    let text = questions.short();
    let plain = without.ask(&Question::new("chat", text.clone())).await?;
    let first = with.ask(&Question::new("chat", text)).await?;
    let tokens = first.prompt_tokens - plain.prompt_tokens;
    let share = first.cached_tokens / tokens;
    let mut pairs = Pairs::default();
    let mut question = String::new();
    for (turn, (round, cached)) in scene.turns().enumerate() {
        if turn % 2 == 0 {
            question = questions.short();
        }
        let heard = if cached {
            with.ask(&Question::new("chat", question.clone())).await?
        } else {
            without.ask(&Question::new("chat", format!("{question}\n\n{SYSTEM}"))).await?
        };
        pairs.push(round, cached, heard.first()?);
    }
    let note = format!(
        "it has {tokens} tokens; of the first question's {} were known {}, the template's behind it among them",
        first.prompt_tokens, first.cached_tokens
    );
    Ok(vec![
        Line::alone("known of the system prompt's tokens, first question", "", share).barred(share, BAR).noted(note),
        pairs.line(format!("first chunk, {} {}", Size::Small.name(), scene.format()), "ms"),
    ]
    .into())
}
