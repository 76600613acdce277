//! Says in plain words what serde says about types, and finds the word that was meant.

/// Longer words than this are not compared: it is nobody's typing slip.
const MAX_WORD_CHARS: usize = 64;

/// The candidate that `word` was probably meant to be, the first of equally near ones.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = word.to_lowercase();
    let length = wanted.chars().count();
    if length == 0 || length > MAX_WORD_CHARS {
        return None;
    }
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let known = candidate.to_lowercase();
        let known_length = known.chars().count();
        if known_length == 0 || known_length > MAX_WORD_CHARS {
            continue;
        }
        let slips = strsim::damerau_levenshtein(&wanted, &known);
        let alike = strsim::jaro_winkler(&wanted, &known);
        if (slips <= (length.max(known_length) / 3).max(1) || alike >= 0.88) && best.is_none_or(|(top, _)| alike > top)
        {
            best = Some((alike, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The key that serde misses, if that is what it says.
pub(super) fn missing_key(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// Whether the message is about a key rather than its value.
pub(super) fn is_about_key(message: &str) -> bool {
    message.starts_with("unknown field `")
}

/// Serde's message in plain words; `key` names the value it is about.
pub(super) fn plain(message: &str, key: Option<&str>) -> String {
    if let Some(key) = missing_key(message) {
        return format!("the key `{key}` is missing");
    }
    if let Some(rest) = message.strip_prefix("unknown field `") {
        return unknown("key", rest);
    }
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        return unknown("value", rest);
    }
    let about = key.filter(|key| key.parse::<usize>().is_err()).map_or(String::new(), |key| format!("`{key}`: "));
    let found_expected = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.rsplit_once(", expected "));
    match found_expected {
        Some((found, wanted)) => format!("{about}expected {}, found {}", expected(wanted), self::found(found)),
        None => format!("{about}{message}"),
    }
}

/// Takes what serde writes after "unknown field" and its first backtick: the word, then the known ones.
fn unknown(what: &str, rest: &str) -> String {
    // The word itself may hold backticks; what serde adds after it never holds "`, ".
    let (word, tail) = match (rest.rfind("`, expected "), rest.rfind("`, there are no ")) {
        (Some(end), _) => (&rest[..end], &rest[end + 1..]),
        (None, Some(end)) => (&rest[..end], ""),
        (None, None) => (rest.trim_end_matches('`'), ""),
    };
    let known: Vec<&str> = tail.split('`').skip(1).step_by(2).collect();
    let word_shown: String = word.chars().take(MAX_WORD_CHARS).collect();
    if let Some(near) = nearest(word, known.iter().copied()) {
        return format!("unknown {what} `{word_shown}`; did you mean `{near}`?");
    }
    if known.is_empty() {
        return format!("unknown {what} `{word_shown}`");
    }
    let known: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
    format!("unknown {what} `{word_shown}`; known are {}", known.join(", "))
}

fn expected(wanted: &str) -> String {
    let plain = match wanted {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "string" | "path string" => "text",
        "a sequence" => "a list",
        "a map" => "a mapping",
        "unit" => "nothing",
        _ if wanted.starts_with("struct ") => "a mapping",
        _ if wanted.starts_with("a nonzero ") => "a whole number, 1 or more",
        _ => wanted,
    };
    plain.to_owned()
}

fn found(found: &str) -> String {
    if let Some(text) = found.strip_prefix("string ") {
        return format!("the text {text}");
    }
    for number in ["integer ", "floating point ", "boolean "] {
        if let Some(value) = found.strip_prefix(number) {
            return value.trim_matches('`').to_owned();
        }
    }
    match found {
        "map" => "a mapping".to_owned(),
        "sequence" => "a list".to_owned(),
        "unit value" | "null" => "nothing".to_owned(),
        _ => found.to_owned(),
    }
}

/// The YAML reader writes the place into its message; it has its own fields with us.
pub(super) fn without_location(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}
