//! Streaming against waiting, and the times of the three tiers, which the picture shows.

use super::Outcome;
use crate::Failure;
use crate::daemon::{Daemon, Question};
use crate::figures::median;
use crate::files::Size;
use crate::heard::Heard;
use crate::peer::{Messages, Server};
use crate::picture::{Time, Times};
use crate::questions::{Questions, SYSTEM};
use crate::scene::{Scene, rest, tier};
use crate::table::{Bar, Line, Pairs};

/// An explanation has at least so many tokens.
const LEAST: f64 = 120.0;
const EXPLAIN_TOKENS: u32 = 160;
const CHAT_TOKENS: u32 = 32;
/// Questions that may have too short an answer before the row is given up.
const TRIES: usize = 20;
const BAR: Bar = Bar::AtMost(0.1);
const COMMAND: &str = "turn on the kitchen light";
/// A device command takes a millisecond or so.
const COMMANDS: usize = 101;

pub(super) async fn run(scene: &Scene) -> Result<Outcome, Failure> {
    let mut setup = scene.setup(scene.format(), CHAT_TOKENS);
    setup.explain.max_tokens = EXPLAIN_TOKENS;
    let mut daemon = Daemon::start(&setup).await?;
    let mut commands = (Vec::new(), Vec::new());
    for _ in 0..COMMANDS {
        let (command, total) = daemon.command(COMMAND).await?;
        commands.0.push(command);
        commands.1.push(total);
    }
    let command = Time::ours("device command", median(&commands.0), median(&commands.1));
    let chat = compare(scene, &mut daemon, Size::Small).await?;
    let explain = compare(scene, &mut daemon, Size::Large).await?;
    let share = explain.share();
    let lines = vec![
        Line::alone("device command: to the device", "ms", command.first.0),
        Line::alone("device command: to the reply's end", "ms", command.total.0),
        chat.first.line("chat: first chunk", "ms"),
        chat.total.line("chat: whole answer", "ms").noted(chat.note.clone()),
        explain.first.line("explanation: first chunk", "ms"),
        explain.total.line("explanation: whole answer", "ms").noted(explain.note.clone()),
        Line {
            theirs: Some(median(&share.theirs)),
            ..Line::alone("explanation: first chunk's share of the whole", "", median(&share.ours))
        }
        .barred(median(&share.ours), BAR),
    ];
    let format = scene.format().to_uppercase();
    let times = vec![
        command,
        chat.time(&format!("chat, {} {format}", Size::Small.name())),
        explain.time(&format!("explanation, {} {format}", Size::Large.name())),
    ];
    Ok(Outcome { lines, times: Some(Times { about: scene.machine(), times }) })
}

struct Compared {
    first: Pairs,
    total: Pairs,
    note: String,
}

impl Compared {
    fn share(&self) -> Pairs {
        let share =
            |first: &[f64], total: &[f64]| first.iter().zip(total).map(|(first, total)| first / total).collect();
        Pairs { ours: share(&self.first.ours, &self.total.ours), theirs: share(&self.first.theirs, &self.total.theirs) }
    }

    fn time(&self, name: &str) -> Time {
        let both = |pairs: &Pairs| (median(&pairs.ours), Some(median(&pairs.theirs)));
        Time { name: name.to_owned(), first: both(&self.first), total: both(&self.total) }
    }
}

async fn compare(scene: &Scene, daemon: &mut Daemon, size: Size) -> Result<Compared, Failure> {
    let server = Server::start(&scene.files, &scene.server(size, scene.format(), 1)).await?;
    let (mut first, mut total, mut questions) = (Pairs::default(), Pairs::default(), Questions::default());
    let mut tokens = Pairs::default();
    for round in 0..=scene.rounds {
        let ours_first = round % 2 == 0;
        for (heard, ours) in long_enough(daemon, &server, size, ours_first, &mut questions).await? {
            first.push(round, ours, heard.first()?);
            total.push(round, ours, heard.total());
            tokens.push(round, ours, heard.tokens);
        }
    }
    let note = format!("tokens of an answer: ours {}, theirs {}", median(&tokens.ours), median(&tokens.theirs));
    Ok(Compared { first, total, note })
}

/// Both answers, and whether each is ours, to the next question that has some of the wanted length.
async fn long_enough(
    daemon: &mut Daemon,
    server: &Server,
    size: Size,
    ours_first: bool,
    questions: &mut Questions,
) -> Result<[(Heard, bool); 2], Failure> {
    let (least, most) = match size {
        Size::Small => (1.0, CHAT_TOKENS),
        Size::Large => (LEAST, EXPLAIN_TOKENS),
    };
    for _ in 0..TRIES {
        let text = match size {
            Size::Small => questions.short(),
            Size::Large => questions.long(),
        };
        let mut both = [(Heard::default(), ours_first), (Heard::default(), !ours_first)];
        for (heard, ours) in &mut both {
            rest().await;
            *heard = if *ours {
                daemon.ask(&Question::new(tier(size), text.clone())).await?
            } else {
                server.ask(&Messages::new(SYSTEM).user(&text), most).await?
            };
        }
        if both.iter().all(|(heard, _)| heard.tokens >= least) {
            return Ok(both);
        }
    }
    Err(format!("of {TRIES} answers none had {least} tokens").into())
}
