//! The same simple questions answered by the small model and by the large one. The bench's two models are of the same
//! function, so that their answers are about equally long; a bound makes them so.

use super::Outcome;
use crate::Failure;
use crate::daemon::{Daemon, Question};
use crate::figures::median;
use crate::files::Size;
use crate::questions::Questions;
use crate::scene::{Scene, tier};
use crate::table::{Bar, Line, Pairs};

const TOKENS: u32 = 32;
/// Times as fast.
const BAR: Bar = Bar::AtLeast(2.5);

pub(super) async fn run(scene: &Scene) -> Result<Outcome, Failure> {
    let mut daemon = Daemon::start(&scene.setup(scene.format(), TOKENS)).await?;
    let (mut totals, mut tokens) = (Pairs::default(), Pairs::default());
    let (mut questions, mut question) = (Questions::default(), String::new());
    for (turn, (round, small)) in scene.turns().enumerate() {
        if turn % 2 == 0 {
            question = questions.short();
        }
        let size = if small { Size::Small } else { Size::Large };
        let heard = daemon.ask(&Question::new(tier(size), question.clone())).await?;
        totals.push(round, small, heard.total());
        tokens.push(round, small, heard.tokens);
    }
    let faster = 1.0 / totals.ratio();
    let note = format!(
        "the small one is {faster:.2} times as fast; tokens of an answer: {} and {}",
        median(&tokens.ours),
        median(&tokens.theirs)
    );
    let line = Line { ratio: Some(faster), ..totals.line(format!("whole answer, {}", scene.format()), "ms") };
    Ok(vec![line.barred(faster, BAR).noted(note)].into())
}
