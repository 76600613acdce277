//! The filters and functions of Home Assistant's templates that devices' messages use, beside those of Jinja.
#![expect(clippy::needless_pass_by_value, reason = "minijinja hands its arguments over by value")]

use minijinja::value::{Kwargs, Rest, Serde, Value as Jinja, ValueKind};
use minijinja::{Environment, Error, ErrorKind};
use regex::RegexBuilder;
use serde_json::Value;

/// Bytes that a regular expression of a template may become.
const MOST_REGEX: usize = 64 * 1024;

/// Adds all of them.
pub(super) fn add_to(environment: &mut Environment<'static>) {
    environment.add_filter("float", float);
    environment.add_function("float", float);
    environment.add_filter("int", int);
    environment.add_function("int", int);
    environment.add_filter("round", round);
    environment.add_filter("bool", boolean);
    environment.add_function("bool", boolean);
    environment.add_filter("is_defined", is_defined);
    environment.add_filter("is_number", is_number);
    environment.add_function("is_number", is_number);
    environment.add_filter("iif", iif);
    environment.add_function("iif", iif);
    environment.add_filter("multiply", |value: &Jinja, by: f64| Ok::<f64, Error>(number(value)? * by));
    environment.add_filter("add", |value: &Jinja, other: f64| Ok::<f64, Error>(number(value)? + other));
    environment.add_filter("bitwise_and", |value: i64, other: i64| value & other);
    environment.add_filter("bitwise_or", |value: i64, other: i64| value | other);
    environment.add_filter("bitwise_xor", |value: i64, other: i64| value ^ other);
    environment.add_filter("from_json", from_json);
    environment.add_filter("to_json", to_json);
    environment.add_filter("tojson", to_json);
    environment.add_filter("truncate", truncate);
    environment.add_filter("regex_match", |text: &str, pattern: &str| matches(text, &format!("^(?:{pattern})")));
    environment.add_filter("regex_search", matches);
    environment.add_filter("regex_replace", regex_replace);
    environment.add_filter("regex_findall_index", regex_findall_index);
}

fn wrong(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}

/// A value as a number, where it is one.
fn number(value: &Jinja) -> Result<f64, Error> {
    let number = match value.kind() {
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        ValueKind::String => value.as_str().and_then(|text| text.trim().parse().ok()),
        _ => None,
    };
    number.ok_or_else(|| wrong(format!("{value} is no number")))
}

/// The first of the positional arguments, or the one of that name: what to take where there is no number.
fn default_of(args: &[Jinja], kwargs: &Kwargs, place: usize) -> Result<Option<Jinja>, Error> {
    match args.get(place) {
        Some(default) => Ok(Some(default.clone())),
        None => kwargs.get("default"),
    }
}

fn float(value: &Jinja, args: Rest<Jinja>, kwargs: Kwargs) -> Result<Jinja, Error> {
    let default = default_of(&args, &kwargs, 0)?;
    number(value).map(Jinja::from).or_else(|error| default.ok_or(error))
}

fn int(value: &Jinja, args: Rest<Jinja>, kwargs: Kwargs) -> Result<Jinja, Error> {
    let default = default_of(&args, &kwargs, 0)?;
    let base = match args.get(1) {
        Some(base) => u32::try_from(base.clone())?,
        None => kwargs.get::<Option<u32>>("base")?.unwrap_or(10),
    };
    let written = value.as_str().map(|text| text.trim().trim_start_matches("0x"));
    if let Some(whole) =
        written.filter(|_| (2..=36).contains(&base)).and_then(|text| i64::from_str_radix(text, base).ok())
    {
        return Ok(whole.into());
    }
    number(value).and_then(whole).map(Jinja::from).or_else(|error| default.ok_or(error))
}

/// A number without its fraction.
fn whole(number: f64) -> Result<i64, Error> {
    // Written out and read again: what does not fit is an error, not another number.
    format!("{:.0}", number.trunc()).parse().map_err(|_| wrong(format!("{number} is no whole number")))
}

fn round(value: &Jinja, args: Rest<Jinja>, kwargs: Kwargs) -> Result<Jinja, Error> {
    let places = match args.first() {
        Some(places) => i32::try_from(places.clone())?,
        None => kwargs.get::<Option<i32>>("precision")?.unwrap_or(0),
    };
    let places = places.clamp(-15, 15);
    let default = default_of(&args, &kwargs, 2)?;
    let number = match (number(value), default) {
        (Ok(number), _) => number,
        (Err(_), Some(default)) => return Ok(default),
        (Err(error), None) => return Err(error),
    };
    let method = match args.get(1) {
        Some(method) => method.as_str().unwrap_or_default().to_owned(),
        None => kwargs.get::<Option<String>>("method")?.unwrap_or_default(),
    };
    let scale = 10_f64.powi(places);
    let rounded = match method.as_str() {
        "ceil" => (number * scale).ceil() / scale,
        "floor" => (number * scale).floor() / scale,
        "half" => (number * 2.0).round() / 2.0,
        _ if places >= 0 => {
            // Printing rounds half to even and has no error of the scale in it, as in Python.
            let places = usize::try_from(places).unwrap_or(0);
            format!("{number:.places$}").parse().unwrap_or(number)
        }
        _ => (number * scale).round() / scale,
    };
    if places == 0 && method != "half" { Ok(whole(rounded)?.into()) } else { Ok(rounded.into()) }
}

fn boolean(value: &Jinja, args: Rest<Jinja>, kwargs: Kwargs) -> Result<Jinja, Error> {
    let default = default_of(&args, &kwargs, 0)?;
    let known = match value.kind() {
        ValueKind::Bool => Some(value.is_true()),
        ValueKind::Number => Some(number(value)?.abs() > 0.0),
        ValueKind::String => match value.as_str().unwrap_or_default().trim().to_lowercase().as_str() {
            "1" | "true" | "yes" | "on" | "enable" => Some(true),
            "0" | "false" | "no" | "off" | "disable" => Some(false),
            _ => None,
        },
        _ => None,
    };
    known.map(Jinja::from).or(default).ok_or_else(|| wrong(format!("{value} is neither true nor false")))
}

/// The value; an error where there is none, so that what a message does not say leaves the state as it was.
fn is_defined(value: &Jinja) -> Result<Jinja, Error> {
    if value.is_undefined() { Err(Error::from(ErrorKind::UndefinedError)) } else { Ok(value.clone()) }
}

fn is_number(value: &Jinja) -> bool {
    value.kind() != ValueKind::Bool && number(value).is_ok_and(f64::is_finite)
}

fn iif(value: &Jinja, choices: Rest<Jinja>) -> Jinja {
    let choice = |place: usize| choices.get(place).cloned();
    match (value.is_none(), value.is_true()) {
        (true, _) if choices.len() > 2 => choice(2).unwrap_or_default(),
        (_, true) => choice(0).unwrap_or_else(|| true.into()),
        (_, false) => choice(1).unwrap_or_else(|| false.into()),
    }
}

fn from_json(text: &str) -> Result<Jinja, Error> {
    let value: Value = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    Ok(Jinja::from(Serde(value)))
}

fn to_json(value: &Jinja) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| wrong(error.to_string()))
}

/// Jinja's `truncate(length=255, killwords=False, end='...', leeway=5)`.
fn truncate(text: &Jinja, args: Rest<Jinja>, kwargs: Kwargs) -> Result<String, Error> {
    let argument = |place: usize, name: &str| match args.get(place) {
        Some(value) => Ok(Some(value.clone())),
        None => kwargs.get::<Option<Jinja>>(name),
    };
    let number = |value: Option<Jinja>, default: usize| value.map_or(Ok(default), usize::try_from);
    let text = text.to_string();
    let length = number(argument(0, "length")?, 255)?;
    let kills_words = argument(1, "killwords")?.is_some_and(|value| value.is_true());
    let end = argument(2, "end")?.map_or_else(|| "...".to_owned(), |end| end.to_string());
    let leeway = number(argument(3, "leeway")?, 5)?;
    if text.chars().count() <= length.saturating_add(leeway) {
        return Ok(text);
    }
    let kept: String = text.chars().take(length.saturating_sub(end.chars().count())).collect();
    let kept = match kept.rsplit_once(' ').filter(|_| !kills_words) {
        Some((words, _)) => words,
        None => &kept,
    };
    Ok(format!("{kept}{end}"))
}

fn regex(pattern: &str) -> Result<regex::Regex, Error> {
    RegexBuilder::new(pattern).size_limit(MOST_REGEX).build().map_err(|error| wrong(error.to_string()))
}

fn matches(text: &str, pattern: &str) -> Result<bool, Error> {
    Ok(regex(pattern)?.is_match(text))
}

fn regex_replace(text: &str, pattern: &str, replacement: Option<&str>) -> Result<String, Error> {
    // Python writes a group as \1.
    let groups = regex(r"\\(\d)")?;
    let replacement = replacement.unwrap_or_default().replace('$', "$$");
    let replacement = groups.replace_all(&replacement, "$${$1}");
    Ok(regex(pattern)?.replace_all(text, &*replacement).into_owned())
}

fn regex_findall_index(text: &str, pattern: &str, place: Option<usize>) -> Result<String, Error> {
    let regex = regex(pattern)?;
    let found = regex.captures_iter(text).nth(place.unwrap_or(0)).ok_or_else(|| wrong("nothing was found"))?;
    let found = found.get(1).or_else(|| found.get(0)).map_or("", |found| found.as_str());
    Ok(found.to_owned())
}
