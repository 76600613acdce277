//! The same simple questions answered by the small model and by the large one: as shipped, each with its tier's own prompt,
//! sampling and longest answer, and equally long. The bench's two models are of the same function, so that with the same
//! prompt most of their answers are equally long; where the four bits make one end earlier, that question does not count.

use super::Outcome;
use crate::Failure;
use crate::daemon::{Daemon, Question, Setup};
use crate::figures::median;
use crate::files::Size;
use crate::heard::Heard;
use crate::questions::Questions;
use crate::scene::{Scene, tier};
use crate::table::{Bar, Line, Pairs};

/// Two spoken sentences.
const TOKENS: u32 = 48;
/// Questions asked at most for each that counts.
const MOST_ASKED: usize = 4;
/// Times as fast.
const BAR: Bar = Bar::AtLeast(2.5);

pub(super) async fn run(scene: &Scene) -> Result<Outcome, Failure> {
    Ok(vec![as_shipped(scene).await?, equally_long(scene).await?].into())
}

async fn as_shipped(scene: &Scene) -> Result<Line, Failure> {
    let setup = Setup { is_shipped: true, ..scene.setup(scene.format(), TOKENS) };
    let mut daemon = Daemon::start(&setup).await?;
    let (mut totals, mut tokens) = (Pairs::default(), [Vec::new(), Vec::new()]);
    let mut questions = Questions::default();
    for round in 0..=scene.rounds {
        let heard = both(&mut daemon, &questions.short(), round % 2 == 0).await?;
        for ((heard, small), tokens) in heard.iter().zip([true, false]).zip(&mut tokens) {
            totals.push(round, small, heard.total());
            tokens.push(heard.tokens);
        }
    }
    let lengths = tokens.map(|tokens| format!("{:.0}", median(&tokens)));
    Ok(line(scene, &totals, "as shipped", &format!("tokens of an answer: {}", lengths.join(" and "))))
}

async fn equally_long(scene: &Scene) -> Result<Line, Failure> {
    let mut daemon = Daemon::start(&scene.setup(scene.format(), TOKENS)).await?;
    let (mut totals, mut tokens) = (Pairs::default(), Vec::new());
    let (mut questions, mut asked) = (Questions::default(), 0);
    // The first round warms up.
    for round in 0..=scene.rounds {
        let heard = loop {
            asked += 1;
            if asked > (scene.rounds + 1) * MOST_ASKED {
                return Err("the two models' answers are hardly ever equally long".into());
            }
            let heard = both(&mut daemon, &questions.short(), round % 2 == 0).await?;
            if heard[0].tokens.total_cmp(&heard[1].tokens).is_eq() {
                break heard;
            }
        };
        for (heard, small) in heard.iter().zip([true, false]) {
            totals.push(round, small, heard.total());
        }
        tokens.push(heard[0].tokens);
    }
    let note = format!("tokens of an answer: {}; questions asked: {asked}", median(&tokens));
    Ok(line(scene, &totals, "equally long", &note))
}

fn line(scene: &Scene, totals: &Pairs, how: &str, note: &str) -> Line {
    let faster = 1.0 / totals.ratio();
    let line = totals.line(format!("whole answer, {how}, {}", scene.format()), "ms");
    let line = Line { ratio: Some(faster), ..line };
    line.barred(faster, BAR).noted(format!("the small one is {faster:.2} times as fast; {note}"))
}

/// The small model's answer and the large one's.
async fn both(daemon: &mut Daemon, question: &str, small_first: bool) -> Result<[Heard; 2], Failure> {
    let mut ask = async |size| daemon.ask(&Question::new(tier(size), question.to_owned())).await;
    if small_first {
        let small = ask(Size::Small).await?;
        return Ok([small, ask(Size::Large).await?]);
    }
    let large = ask(Size::Large).await?;
    Ok([ask(Size::Small).await?, large])
}
