//! The same simple questions answered by the small model and by the large one: as shipped, each with its tier's own prompt,
//! sampling and longest answer, and equally long. The bench's two models are of the same function, so that with the same
//! prompt most of their answers are equally long; where the four bits make one end earlier, that question does not count.

use super::Outcome;
use crate::Failure;
use crate::daemon::{Daemon, Question, Setup};
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
    let alike = scene.setup(scene.format(), TOKENS);
    let shipped = Setup { is_shipped: true, ..alike.clone() };
    let mut lines = compare(scene, "as shipped", &shipped, |_| true).await?;
    let equally_long = |heard: &[Heard; 2]| heard[0].tokens.total_cmp(&heard[1].tokens).is_eq();
    lines.extend(compare(scene, "equally long", &alike, equally_long).await?);
    Ok(lines.into())
}

/// Both models' times and lengths over the questions whose two answers count.
async fn compare(
    scene: &Scene,
    how: &str,
    setup: &Setup,
    counts: impl Fn(&[Heard; 2]) -> bool,
) -> Result<Vec<Line>, Failure> {
    let mut daemon = Daemon::start(setup).await?;
    let (mut totals, mut tokens) = (Pairs::default(), Pairs::default());
    let (mut questions, mut asked) = (Questions::default(), 0);
    // The first round warms up.
    for round in 0..=scene.rounds {
        let heard = loop {
            asked += 1;
            if asked > (scene.rounds + 1) * MOST_ASKED {
                return Err("the two models' answers are hardly ever equally long".into());
            }
            let heard = both(&mut daemon, &questions.short(), round % 2 == 0).await?;
            if counts(&heard) {
                break heard;
            }
        };
        for (heard, small) in heard.iter().zip([true, false]) {
            totals.push(round, small, heard.total());
            tokens.push(round, small, heard.tokens);
        }
    }
    let faster = 1.0 / totals.ratio();
    let line = totals.line(format!("whole answer, {how}, {}", scene.format()), "ms");
    let line = Line { ratio: Some(faster), ..line }.barred(faster, BAR);
    let note = format!("the small one is {faster:.2} times as fast; questions asked: {asked}");
    Ok(vec![line.noted(note), tokens.line(format!("its length, {how}"), "tokens")])
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
