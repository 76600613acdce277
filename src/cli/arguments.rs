//! What can be written on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::Value;

use crate::config::Span;

use super::demo_home::DemoHomeArgs;
use super::devices::DevicesArgs;
use super::eval::EvalArgs;
use super::models::ModelsArgs;
use super::test::TestArgs;

/// Answers what is said at home: MQTT in, device commands by rules, streamed replies by local models.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = "Examples:\n  hearthd run --config /etc/hearthd/config.yaml\n  hearthd ask \"turn on the kitchen light\"\n  \
                  hearthd match \"turn on the kitchen light\"\n  hearthd check && hearthd test\n\n\
                  Any config key can be set from the environment: HEARTHD__MQTT__BROKER=mqtt://host:1883\n\
                  Exit codes: 0 done, 1 found problems, 2 wrong usage, 3 could not start"
)]
pub(super) struct Arguments {
    /// The config file [default: config.yaml here, else /etc/hearthd/config.yaml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// What to do [default: run]
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// What hearthd can do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Runs the daemon
    Run,
    /// Reads config and intents and prints every problem
    Check,
    /// Runs the tests written beside the intents
    Test(TestArgs),
    /// Says which tier would answer and why, without doing it
    Match(MatchArgs),
    /// Measures how well and how fast labelled sentences are understood
    Eval(EvalArgs),
    /// Sends an utterance through the broker and prints the reply as it streams
    Ask(AskArgs),
    /// Lists the devices that announce themselves on the broker
    Devices(DevicesArgs),
    /// Plays a small house on the broker, to try things without a device
    DemoHome(DemoHomeArgs),
    /// Shows the languages that are here, and imports more
    Intents(IntentsArgs),
    /// Lists and fetches models
    Models(ModelsArgs),
    /// Prints the JSON Schema of a kind of file, for editors
    #[command(subcommand)]
    Schema(Schema),
    /// Makes the router's weights from the sentences in its source
    #[command(hide = true)]
    TrainRouter(TrainRouterArgs),
    /// Holds the models; started by the daemon
    #[command(hide = true)]
    ModelWorker {
        /// How much it logs
        #[arg(long, default_value = "info")]
        log_level: log::LevelFilter,
    },
}

/// `hearthd match`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hearthd match --site kitchen \"turn on the light\"\n  \
                  hearthd match --context area=kitchen --context muted=true \"turn it up\"\n  \
                  hearthd match --devices \"turn on the bedroom lamp\"")]
pub(super) struct MatchArgs {
    /// What was said
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(super) text: String,
    /// Where it was said
    #[arg(long, value_name = "SITE_ID")]
    pub(super) site: Option<String>,
    /// The language to match [default: the config's]
    #[arg(long, value_name = "TAG")]
    pub(super) lang: Option<String>,
    /// Something known of the moment, for `requires_context`; may stand more than once, and outranks the site
    #[arg(long, value_name = "KEY=VALUE", value_parser = known)]
    pub(super) context: Vec<(String, Value)>,
    /// Listens to the broker for a second first, so that the devices that announce themselves are known
    #[arg(long)]
    pub(super) devices: bool,
    /// Prints JSON for programs
    #[arg(long)]
    pub(super) json: bool,
}

/// `area=kitchen`; true, false and numbers are what they are.
fn known(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE, such as area=kitchen")?;
    if key.trim().is_empty() {
        return Err("a key stands before `=`, as in area=kitchen".to_owned());
    }
    let read = serde_json::from_str(value).ok().filter(|value: &Value| value.is_boolean() || value.is_number());
    Ok((key.trim().to_owned(), read.unwrap_or_else(|| Value::String(value.to_owned()))))
}

/// `hearthd ask`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  hearthd ask \"turn on the kitchen light\"\n  hearthd ask --tier explain \"why is the sky blue?\""
)]
pub(super) struct AskArgs {
    /// What to say
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(super) text: String,
    /// Asks for one tier instead of the router's choice
    #[arg(long)]
    pub(super) tier: Option<TierName>,
    /// Where it is said
    #[arg(long, value_name = "SITE_ID")]
    pub(super) site: Option<String>,
    /// Whose conversation it is
    #[arg(long, value_name = "USER_ID")]
    pub(super) user: Option<String>,
    /// The language to match
    #[arg(long, value_name = "TAG")]
    pub(super) lang: Option<String>,
    /// Prints the reply objects as JSON lines
    #[arg(long)]
    pub(super) json: bool,
    /// The longest wait for the whole answer
    #[arg(long, value_name = "DURATION", default_value = "180s", value_parser = duration)]
    pub(super) timeout: Duration,
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    Span::parse(text).map(|span| span.0).ok_or_else(|| "write a duration as 30s, 1500ms or 5m".to_owned())
}

/// The tiers as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TierName {
    /// Rules
    Intent,
    /// The small model
    Chat,
    /// The large model
    Explain,
}

/// `hearthd train-router`
#[derive(Debug, Args)]
#[command(after_help = "Example, in the source's folder:\n  cargo run --release -- train-router")]
pub(super) struct TrainRouterArgs {
    /// The folder of common.txt, command.txt, chat.txt and explain.txt
    #[arg(long, value_name = "DIR", default_value = "src/core/routing/training")]
    pub(super) texts: PathBuf,
    /// Where the weights go
    #[arg(long, value_name = "FILE", default_value = "src/core/routing/weights.bin")]
    pub(super) out: PathBuf,
}

/// `hearthd intents`
#[derive(Debug, Args)]
pub(super) struct IntentsArgs {
    /// What to do
    #[command(subcommand)]
    pub(super) command: IntentsCommand,
}

/// What `hearthd intents` can do.
#[derive(Debug, Subcommand)]
pub(super) enum IntentsCommand {
    /// Shows the languages that are here, how many intents and sentences each has, and where they come from
    List {
        /// Prints JSON for programs
        #[arg(long)]
        json: bool,
    },
    /// Fetches the sentences of a language and writes them beside your own, which override them
    Import(ImportArgs),
}

/// `hearthd intents import`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hearthd intents import home-assistant-intents --language de\n  \
                  hearthd intents import home-assistant-intents --language de --language fr\n  \
                  hearthd intents import home-assistant-intents --from ./home_assistant_intents-2026.10.27-py3-none-any.whl\n\n\
                  The sentences go to LANGUAGE/home-assistant in the folder of `intents.path`, with their licence (CC-BY-4.0).\n\
                  Importing again brings them up to date. Python's pip fetches the package, so its settings hold \
                  (PIP_INDEX_URL, proxies).")]
pub(super) struct ImportArgs {
    /// Whose sentences
    pub(super) package: SentencePackage,
    /// A language, such as de or pt-BR; may stand more than once [default: the config's]
    #[arg(long, value_name = "TAG", value_parser = NonEmptyStringValueParser::new())]
    pub(super) language: Vec<String>,
    /// Takes the package from this wheel or folder instead of fetching it
    #[arg(long, value_name = "FILE.whl|FOLDER")]
    pub(super) from: Option<PathBuf>,
}

/// The packages of sentences that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SentencePackage {
    /// Home Assistant's, in more than 60 languages
    HomeAssistantIntents,
}

/// The kinds of file with a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(super) enum Schema {
    /// Intent files
    Intents,
    /// config.yaml
    Config,
}
