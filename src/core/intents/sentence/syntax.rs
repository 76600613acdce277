//! The sentence-template language as it is written: text to an expression, every mistake with its column.
//!
//! Home Assistant's language: `[optional]`, `(one|other)`, `(any; order)`, `{list}`, `{list:slot}`, `{list:@capture}`,
//! `{1..60:slot}`, `<rule>`, and `\` before a character that is meant as itself. Nothing is looked up here; the compiler
//! gives names their meaning.

/// Groups that may stand inside each other.
const MAX_NESTING: usize = 32;
/// Parts of a permutation: each more doubles the work.
pub(super) const MAX_PERMUTED: usize = 8;
/// Bytes of one template.
const MAX_BYTES: usize = 8 * 1024;

/// A part of a sentence template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    /// Words and the spaces round them, as they are written.
    Text(String),
    /// One after the other; empty where nothing is needed.
    Sequence(Vec<Expression>),
    /// One of these.
    Alternative(Vec<Expression>),
    /// All of these, in any order.
    Permutation(Vec<Expression>),
    /// A value of a list.
    List(ListReference),
    /// What an expansion rule stands for.
    Rule(String),
}

/// `{list:slot}`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ListReference {
    /// The list's name; empty for a range that is written in place.
    pub(crate) list: String,
    /// `{from..to,step}`.
    pub(crate) range: Option<InlineRange>,
    /// The slot it fills.
    pub(crate) slot: String,
    /// Whether it is for the response only.
    pub(crate) is_capture: bool,
    /// Whether more letters may follow at once, as in `{name}s`.
    pub(crate) is_glued: bool,
}

/// A range that is written in place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct InlineRange {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) step: f64,
}

/// What is wrong with a template, and at which character, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl SyntaxError {
    fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// Reads a template.
///
/// # Errors
/// The first mistake and where it is.
pub(crate) fn parse(template: &str) -> Result<Expression, SyntaxError> {
    if template.len() > MAX_BYTES {
        return Err(SyntaxError::new(0, format!("the sentence is longer than {MAX_BYTES} bytes; use expansion rules")));
    }
    let start = template.chars().take_while(|c| c.is_whitespace()).count();
    let characters: Vec<char> = template.trim().chars().collect();
    let mut parser = Parser { characters: &characters, at: 0, offset: start };
    let expression = parser.group(None, 0)?;
    Ok(expression)
}

/// What joins the items of a group.
#[derive(Clone, Copy, PartialEq)]
enum Join {
    Bar,
    Semicolon,
}

struct Parser<'a> {
    characters: &'a [char],
    at: usize,
    /// White space that was cut off before.
    offset: usize,
}

impl Parser<'_> {
    fn error<T>(&self, at: usize, message: impl Into<String>) -> Result<T, SyntaxError> {
        Err(SyntaxError::new(self.offset + at, message))
    }

    /// The items up to the closing character, or to the end where there is none.
    fn group(&mut self, close: Option<char>, depth: usize) -> Result<Expression, SyntaxError> {
        if depth > MAX_NESTING {
            return self.error(self.at, format!("groups may stand {MAX_NESTING} deep inside each other, no deeper"));
        }
        let opened = self.at;
        let mut items: Vec<Vec<Expression>> = vec![Vec::new()];
        let mut join = None;
        loop {
            let Some(&c) = self.characters.get(self.at) else {
                match close {
                    None => break,
                    Some(close) => {
                        return self.error(opened.saturating_sub(1), format!("this is never closed by `{close}`"));
                    }
                }
            };
            let item = match c {
                _ if Some(c) == close => {
                    self.at += 1;
                    break;
                }
                ')' | ']' | '}' | '>' => return self.error(self.at, format!("`{c}` closes nothing")),
                '|' | ';' => {
                    self.join(c, &mut join)?;
                    items.push(Vec::new());
                    continue;
                }
                '(' => {
                    self.at += 1;
                    self.group(Some(')'), depth + 1)?
                }
                '[' => {
                    self.at += 1;
                    optional(self.group(Some(']'), depth + 1)?)
                }
                '{' => self.list()?,
                '<' => Expression::Rule(self.name('<', '>')?.0),
                _ => self.text()?,
            };
            if let Some(sequence) = items.last_mut() {
                sequence.push(item);
            }
        }
        self.joined(items, join, opened)
    }

    fn join(&mut self, c: char, join: &mut Option<Join>) -> Result<(), SyntaxError> {
        let this = if c == '|' { Join::Bar } else { Join::Semicolon };
        if join.is_some_and(|join| join != this) {
            return self.error(self.at, "`|` and `;` cannot stand in one group; put one of them in parentheses");
        }
        *join = Some(this);
        self.at += 1;
        Ok(())
    }

    fn joined(
        &self,
        items: Vec<Vec<Expression>>,
        join: Option<Join>,
        opened: usize,
    ) -> Result<Expression, SyntaxError> {
        let mut sequences = items.into_iter().map(sequence);
        match join {
            None => Ok(sequences.next().unwrap_or(Expression::Sequence(Vec::new()))),
            Some(Join::Bar) => Ok(Expression::Alternative(sequences.collect())),
            Some(Join::Semicolon) => {
                // A space on either side of each, so that they are words of their own in whatever order.
                let space = || Expression::Text(" ".to_owned());
                let items: Vec<Expression> =
                    sequences.map(|item| Expression::Sequence(vec![space(), item, space()])).collect();
                if items.len() > MAX_PERMUTED {
                    return self.error(opened, format!("at most {MAX_PERMUTED} parts may stand in any order"));
                }
                Ok(Expression::Permutation(items))
            }
        }
    }

    fn text(&mut self) -> Result<Expression, SyntaxError> {
        let mut text = String::new();
        while let Some(&c) = self.characters.get(self.at) {
            match c {
                '\\' => match self.characters.get(self.at + 1) {
                    Some(&escaped) => {
                        text.push(escaped);
                        self.at += 2;
                    }
                    None => return self.error(self.at, "`\\` at the end stands before nothing"),
                },
                '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | '|' | ';' => break,
                _ => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
        Ok(Expression::Text(text))
    }

    /// What stands between two brackets, and where it begins.
    fn name(&mut self, open: char, close: char) -> Result<(String, usize), SyntaxError> {
        let begin = self.at + 1;
        let length = self.characters[begin..].iter().position(|&c| c == close || "([{<|;".contains(c));
        match length {
            Some(length) if self.characters[begin + length] == close => {
                self.at = begin + length + 1;
                let name: String = self.characters[begin..begin + length].iter().collect();
                match name.trim() {
                    "" => self.error(begin - 1, format!("`{open}{close}` needs a name in it")),
                    name => Ok((name.to_owned(), begin)),
                }
            }
            _ => self.error(begin - 1, format!("`{open}` is never closed by `{close}`")),
        }
    }

    fn list(&mut self) -> Result<Expression, SyntaxError> {
        let (written, begin) = self.name('{', '}')?;
        let (list, slot) = match written.split_once(':') {
            Some((list, slot)) => (list.trim(), slot.trim()),
            None => (written.as_str(), written.as_str()),
        };
        let is_capture = slot.starts_with('@');
        let (list, slot) = (list.trim_start_matches('@'), slot.trim_start_matches('@'));
        if list.is_empty() || slot.is_empty() {
            return self.error(begin, format!("`{{{written}}}` needs a name on both sides of `:`"));
        }
        let range = match inline_range(list) {
            None => None,
            Some(_) if !written.contains(':') => {
                return self.error(begin, format!("a range needs a slot: `{{{written}:number}}`"));
            }
            Some(Ok(range)) => Some(range),
            Some(Err(message)) => return self.error(begin, message),
        };
        let is_glued = self.characters.get(self.at).is_some_and(|c| !c.is_whitespace());
        Ok(Expression::List(ListReference {
            list: if range.is_some() { String::new() } else { list.to_owned() },
            range,
            slot: slot.to_owned(),
            is_capture,
            is_glued,
        }))
    }
}

fn sequence(mut items: Vec<Expression>) -> Expression {
    match items.len() {
        1 => items.remove(0),
        _ => Expression::Sequence(items),
    }
}

fn optional(inside: Expression) -> Expression {
    let mut items = match inside {
        Expression::Alternative(items) => items,
        other => vec![other],
    };
    items.push(Expression::Sequence(Vec::new()));
    Expression::Alternative(items)
}

/// `10..50,10`; `None` where no range is meant.
fn inline_range(text: &str) -> Option<Result<InlineRange, String>> {
    let (from, rest) = text.split_once("..")?;
    let (to, step) = rest.split_once(',').unwrap_or((rest, "1"));
    let read = |part: &str| part.trim().parse::<i32>().ok().map(f64::from);
    Some(match (read(from), read(to), read(step)) {
        (Some(from), Some(to), Some(step)) if from <= to && step > 0.0 => Ok(InlineRange { from, to, step }),
        _ => Err(format!("`{text}` is no range; a range is written `1..60` or `10..50,10`")),
    })
}

impl Expression {
    /// The texts that a list's value stands for, counted without writing them out.
    pub(crate) fn ways(&self) -> usize {
        let all = |items: &[Self]| items.iter().fold(1, |ways: usize, item| ways.saturating_mul(item.ways()));
        match self {
            Self::Text(_) | Self::List(_) | Self::Rule(_) => 1,
            Self::Alternative(items) => items.iter().fold(0, |ways, item| ways.saturating_add(item.ways())),
            Self::Sequence(items) => all(items),
            Self::Permutation(items) => (1..=items.len()).fold(all(items), usize::saturating_mul),
        }
    }

    /// Every text that a list's value may be said as; `None` where it has lists or rules in it, or stands for too many.
    pub(crate) fn texts(&self, most: usize) -> Option<Vec<String>> {
        match self {
            Self::Text(text) => Some(vec![text.clone()]),
            Self::List(_) | Self::Rule(_) => None,
            Self::Alternative(items) => {
                let mut texts = Vec::new();
                for item in items {
                    texts.extend(item.texts(most)?);
                }
                (texts.len() <= most).then_some(texts)
            }
            Self::Sequence(items) => items.iter().try_fold(vec![String::new()], |texts, item| {
                let ends = item.texts(most)?;
                if texts.len().saturating_mul(ends.len()) > most {
                    return None;
                }
                Some(texts.iter().flat_map(|text| ends.iter().map(move |end| format!("{text}{end}"))).collect())
            }),
            Self::Permutation(items) => permuted_texts(items, most),
        }
    }
}

fn permuted_texts(items: &[Expression], most: usize) -> Option<Vec<String>> {
    if items.is_empty() {
        return Some(vec![String::new()]);
    }
    let mut texts = Vec::new();
    for (index, first) in items.iter().enumerate() {
        let mut rest = items.to_vec();
        rest.remove(index);
        let ends = permuted_texts(&rest, most)?;
        for start in first.texts(most)? {
            texts.extend(ends.iter().map(|end| format!("{start}{end}")));
        }
        if texts.len() > most {
            return None;
        }
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(template: &str) -> String {
        let error = parse(template).unwrap_err();
        format!("{}: {}", error.at, error.message)
    }

    #[test]
    fn mistakes_are_told_with_their_column() {
        assert_eq!(complaint("turn (on|off"), "5: this is never closed by `)`");
        assert_eq!(complaint("  turn on]"), "9: `]` closes nothing");
        assert_eq!(complaint("a {name"), "2: `{` is never closed by `}`");
        assert_eq!(complaint("a {}"), "2: `{}` needs a name in it");
        assert_eq!(complaint("a <b|c>"), "2: `<` is never closed by `>`");
        assert_eq!(complaint("(a|b;c)"), "4: `|` and `;` cannot stand in one group; put one of them in parentheses");
        assert_eq!(complaint("{1..60}"), "1: a range needs a slot: `{1..60:number}`");
        assert_eq!(complaint("{9..1:n}"), "1: `9..1` is no range; a range is written `1..60` or `10..50,10`");
        assert_eq!(complaint("a\\"), "1: `\\` at the end stands before nothing");
        assert!(complaint(&"(".repeat(40)).contains("32 deep"));
        assert!(complaint("(a;b;c;d;e;f;g;h;i)").contains("at most 8"));
    }

    #[test]
    fn list_references_name_list_slot_and_capture() {
        let list = |template: &str| match parse(template).unwrap() {
            Expression::List(list) => (list.list, list.slot, list.is_capture, list.is_glued),
            other => panic!("{other:?}"),
        };
        assert_eq!(list("{name}"), ("name".into(), "name".into(), false, false));
        assert_eq!(list("{area:where}"), ("area".into(), "where".into(), false, false));
        assert_eq!(list("{@dev}"), ("dev".into(), "dev".into(), true, false));
        assert_eq!(list("{dev:@who}"), ("dev".into(), "who".into(), true, false));
    }

    #[test]
    fn values_stand_for_their_texts() {
        let texts = |template: &str| parse(template).unwrap().texts(8);
        assert_eq!(texts("big [red] fan").unwrap(), ["big red fan", "big  fan"]);
        let ways = |template: &str| parse(template).unwrap().ways();
        assert_eq!([ways("big [red] fan"), ways("(a;b;[c])"), ways("([a|b]|c)d")], [2, 12, 4]);
        assert_eq!(ways(&"(a|b)".repeat(1_000)), usize::MAX);
        assert_eq!(texts("(a|b)[c]").unwrap(), ["ac", "a", "bc", "b"]);
        assert_eq!(texts("(a;b)").unwrap(), [" a  b ", " b  a "]);
        assert_eq!(texts("(a|b)(a|b)(a|b)(a|b)"), None);
        assert_eq!(texts("{x}"), None);
    }
}
