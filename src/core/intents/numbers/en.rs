//! English number words, British ("a hundred and five") and American ("one hundred five").

use super::{Language, Words, cross, owned};

pub(super) static LANGUAGE: Language = Language {
    whole,
    and_a_half,
    minus: &["minus", "negative"],
    point: &["point"],
    digits: [SMALL[0], SMALL[1], SMALL[2], SMALL[3], SMALL[4], SMALL[5], SMALL[6], SMALL[7], SMALL[8], SMALL[9]],
    zero_unsaid: true,
    respellings: &[],
    percent: &[
        ("half", 50.0),
        ("a half", 50.0),
        ("one half", 50.0),
        ("halfway", 50.0),
        ("half way", 50.0),
        ("a quarter", 25.0),
        ("quarter", 25.0),
        ("one quarter", 25.0),
        ("three quarters", 75.0),
        ("three quarter", 75.0),
        ("a third", 33.0),
        ("one third", 33.0),
        ("two thirds", 67.0),
    ],
};

const SMALL: [Words; 20] = [
    &["zero", "nought"],
    &["one"],
    &["two"],
    &["three"],
    &["four"],
    &["five"],
    &["six"],
    &["seven"],
    &["eight"],
    &["nine"],
    &["ten"],
    &["eleven"],
    &["twelve"],
    &["thirteen"],
    &["fourteen"],
    &["fifteen"],
    &["sixteen"],
    &["seventeen"],
    &["eighteen"],
    &["nineteen"],
];
const TENS: [Words; 8] =
    [&["twenty"], &["thirty"], &["forty"], &["fifty"], &["sixty"], &["seventy"], &["eighty"], &["ninety"]];

fn whole(number: usize) -> Vec<String> {
    if number < 1000 {
        return below_thousand(number);
    }
    let (thousands, rest) = (number / 1000, number % 1000);
    let heads = many(thousands, "thousand");
    let mut all = match rest {
        0 => heads,
        // In the middle a hundred is counted: "a thousand one hundred".
        100.. => cross(&heads, &[" "], &with_rest(&cross(SMALL[rest / 100], &[" "], &["hundred"]), rest % 100)),
        _ => with_rest(&heads, rest),
    };
    // "Twenty seven hundred", but not "twenty hundred".
    if number < 10_000 && !(number / 100).is_multiple_of(10) {
        all.extend(with_rest(&many(number / 100, "hundred"), number % 100));
    }
    all
}

fn below_thousand(number: usize) -> Vec<String> {
    if number < 100 { below_hundred(number) } else { with_rest(&many(number / 100, "hundred"), number % 100) }
}

fn below_hundred(number: usize) -> Vec<String> {
    match (number, number % 10) {
        (0..20, _) => owned(SMALL[number]),
        (_, 0) => owned(TENS[number / 10 - 2]),
        (_, unit) => cross(TENS[number / 10 - 2], &[" "], SMALL[unit]),
    }
}

/// So many hundreds or thousands; one of them may go uncounted.
fn many(count: usize, unit: &str) -> Vec<String> {
    match count {
        1 => vec![format!("one {unit}"), format!("a {unit}"), unit.to_owned()],
        _ => cross(&below_hundred(count), &[" "], &[unit]),
    }
}

/// Hundreds or thousands and what is below a hundred.
fn with_rest(heads: &[String], rest: usize) -> Vec<String> {
    if rest == 0 { heads.to_vec() } else { cross(heads, &[" and ", " "], &below_hundred(rest)) }
}

fn and_a_half(number: usize) -> Vec<String> {
    if number == 0 {
        return owned(&["half", "a half", "one half", "half a"]);
    }
    cross(&whole(number), &[" "], &["and a half", "and one half"])
}
