//! Which timer is meant: by its name, by what it was set for, by its room, else by where it is spoken of.
//!
//! Where several are meant as well as each other, the answer is a question that names them; nothing is guessed.

use jiff::Zoned;
use serde_json::{Map, Value};

use super::item::{Item, Kind, When, rounded};
use super::{Refusal, Timers, Who, clock, wording};

/// Timers that a question names.
const MAX_NAMED: usize = 5;
/// Words before a name that are none of it.
const ARTICLES: [&str; 5] = ["the", "my", "our", "a", "an"];

/// What a sentence says of the timer it means.
struct Wanted<'s> {
    name: Option<&'s str>,
    seconds: Option<u64>,
    area: Option<&'s str>,
}

impl<'s> Wanted<'s> {
    fn new(slots: &'s Map<String, Value>) -> Self {
        let (name, area) = (clock::words(slots, "name"), clock::words(slots, "area"));
        Self { name, seconds: clock::span(slots, "start_"), area }
    }

    fn is_nothing(&self) -> bool {
        self.name.is_none() && self.seconds.is_none() && self.area.is_none()
    }
}

/// What is to be done with the timer, as far as it tells which are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// Any will do.
    Anything,
    /// It must run by the time that passes: its length is changed.
    Length,
    /// Of several, one that runs.
    Pausing,
    /// Of several, one that is held.
    GoingOn,
}

impl Timers {
    /// All timers and commands for later that a sentence means; never none.
    pub(super) fn meant(&self, slots: &Map<String, Value>, purpose: For, now: &Zoned) -> Result<Vec<usize>, Refusal> {
        let is_fit = |item: &Item| match item.kind {
            Kind::Timer | Kind::Command => purpose == For::Anything || !matches!(item.when, When::At { .. }),
            Kind::Alarm | Kind::Reminder => false,
        };
        let all: Vec<usize> = (0..self.items.len()).filter(|number| is_fit(&self.items[*number])).collect();
        if all.is_empty() {
            return Err(Refusal::unclear("no timer is running"));
        }
        let wanted = Wanted::new(slots);
        let mut found = all.clone();
        if let Some(name) = wanted.name {
            found = self.called(&found, name);
        }
        if let Some(seconds) = wanted.seconds {
            found.retain(|number| self.items[*number].seconds == Some(seconds));
        }
        if let Some(area) = wanted.area {
            found.retain(|number| is_of(&self.items[*number], area));
        }
        if found.is_empty() {
            let message = format!("there is no such timer; there is {}", self.listed(&all, now, "and"));
            return Err(Refusal { suggestions: self.labels(&all), ..Refusal::unclear(message) });
        }
        Ok(found)
    }

    /// The one that a sentence means.
    pub(super) fn one(
        &self,
        slots: &Map<String, Value>,
        purpose: For,
        who: &Who<'_>,
        now: &Zoned,
    ) -> Result<usize, Refusal> {
        let mut found = self.meant(slots, purpose, now)?;
        let is_timer = |item: &Item| item.kind == Kind::Timer;
        if Wanted::new(slots).is_nothing() {
            self.prefer(&mut found, is_timer);
        }
        match purpose {
            For::Pausing => self.prefer(&mut found, |item| !item.is_paused()),
            For::GoingOn => self.prefer(&mut found, Item::is_paused),
            For::Anything | For::Length => {}
        }
        self.prefer(&mut found, |item| who.site.is_some() && item.site.as_deref() == who.site);
        match found[..] {
            [one] => Ok(one),
            _ => Err(self.which("timer", &found, now)),
        }
    }

    /// Keeps those that are so, where any is.
    fn prefer(&self, found: &mut Vec<usize>, is: impl Fn(&Item) -> bool) {
        if found.iter().any(|number| is(&self.items[*number])) {
            found.retain(|number| is(&self.items[*number]));
        }
    }

    /// Asks which of several is meant.
    pub(super) fn which(&self, what: &str, found: &[usize], now: &Zoned) -> Refusal {
        let message = format!("which {what}: {}?", self.listed(found, now, "or"));
        Refusal { suggestions: self.labels(found), ..Refusal::unclear(message) }
    }

    fn listed(&self, found: &[usize], now: &Zoned, word: &str) -> String {
        let labels = self.labels(found);
        let is_twin = |label: &String| labels.iter().filter(|other| *other == label).count() > 1;
        let named = found.iter().zip(&labels).take(MAX_NAMED).map(|(number, label)| {
            let item = &self.items[*number];
            match &item.when {
                When::At { at, repeat } if is_twin(label) => {
                    format!("the {label} at {}", wording::time_and_day(*at, *repeat, now))
                }
                _ if is_twin(label) => {
                    format!("the {label} with {} left", wording::time_span(rounded(item.left(now))))
                }
                _ => format!("the {label}"),
            }
        });
        let mut named: Vec<String> = named.collect();
        if found.len() > MAX_NAMED {
            named.push(format!("{} others", found.len() - MAX_NAMED));
        }
        if word == "or" { wording::or(&named) } else { wording::and(&named) }
    }

    fn labels(&self, found: &[usize]) -> Vec<String> {
        found.iter().take(MAX_NAMED).map(|number| wording::label(&self.items[*number])).collect()
    }

    /// Those of a name, word by word; else those whose names or commands have its words in them; else those of a room that
    /// is called so.
    pub(super) fn called(&self, among: &[usize], name: &str) -> Vec<usize> {
        let wanted = folded(name);
        let own = |number: usize| self.items[number].text.as_deref().map(folded).unwrap_or_default();
        let with = |is: &dyn Fn(usize) -> bool| among.iter().copied().filter(|number| is(*number)).collect::<Vec<_>>();
        let same = with(&|number| own(number) == wanted);
        if !same.is_empty() {
            return same;
        }
        let within = with(&|number| !wanted.is_empty() && wanted.iter().all(|word| own(number).contains(word)));
        if !within.is_empty() {
            return within;
        }
        with(&|number| self.items[number].site.as_deref().map(folded).is_some_and(|site| site == wanted))
    }
}

/// Whether it was set in a room, or is called as the room is.
fn is_of(item: &Item, area: &str) -> bool {
    let area = folded(area);
    let is = |text: &Option<String>| text.as_deref().map(folded).is_some_and(|text| text == area);
    is(&item.site) || (item.kind == Kind::Timer && is(&item.text))
}

/// Words as they are compared: small, without articles, one noodle as good as many.
fn folded(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty());
    let words = words.map(|word| word.strip_suffix("'s").unwrap_or(word));
    let words = words.map(|word| if word.chars().count() > 3 { word.strip_suffix('s').unwrap_or(word) } else { word });
    words.filter(|word| !ARTICLES.contains(word)).map(str::to_owned).collect()
}
