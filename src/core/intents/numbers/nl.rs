//! Dutch number words, in one word as they are written and in several as speech-to-text writes them.

use super::{Language, Words, cross, owned};

pub(super) static LANGUAGE: Language = Language {
    whole,
    and_a_half,
    minus: &["min", "minus"],
    point: &["komma", "punt"],
    digits: [SMALL[0], SMALL[1], SMALL[2], SMALL[3], SMALL[4], SMALL[5], SMALL[6], SMALL[7], SMALL[8], SMALL[9]],
    zero_unsaid: false,
    respellings: &[&[("ë", "e")]],
    percent: &[
        ("de helft", 50.0),
        ("helft", 50.0),
        ("half", 50.0),
        ("een half", 50.0),
        ("halverwege", 50.0),
        ("een kwart", 25.0),
        ("één kwart", 25.0),
        ("kwart", 25.0),
        ("driekwart", 75.0),
        ("drie kwart", 75.0),
        ("een derde", 33.0),
        ("één derde", 33.0),
        ("twee derde", 67.0),
        ("tweederde", 67.0),
    ],
};

const SMALL: [Words; 20] = [
    &["nul"],
    &["een", "één"],
    &["twee"],
    &["drie"],
    &["vier"],
    &["vijf"],
    &["zes"],
    &["zeven"],
    &["acht"],
    &["negen"],
    &["tien"],
    &["elf"],
    &["twaalf"],
    &["dertien"],
    &["veertien"],
    &["vijftien"],
    &["zestien"],
    &["zeventien"],
    &["achttien"],
    &["negentien"],
];
const TENS: [Words; 8] =
    [&["twintig"], &["dertig"], &["veertig"], &["vijftig"], &["zestig"], &["zeventig"], &["tachtig"], &["negentig"]];

fn whole(number: usize) -> Vec<String> {
    if number < 1000 {
        return below_thousand(number);
    }
    let mut all = with_rest(&many(number / 1000, "duizend"), number % 1000);
    // "Zevenentwintighonderd", but not "twintighonderd".
    if number < 10_000 && !(number / 100).is_multiple_of(10) {
        all.extend(with_rest(&many(number / 100, "honderd"), number % 100));
    }
    all
}

fn below_thousand(number: usize) -> Vec<String> {
    if number < 100 { below_hundred(number) } else { with_rest(&many(number / 100, "honderd"), number % 100) }
}

fn below_hundred(number: usize) -> Vec<String> {
    match (number, number % 10) {
        (0..20, _) => owned(SMALL[number]),
        (_, 0) => owned(TENS[number / 10 - 2]),
        (_, unit) => cross(SMALL[unit], &[and_after(SMALL[unit][0]), " en "], TENS[number / 10 - 2]),
    }
}

/// "en" within a word: with a trema where it would run together with an e.
fn and_after(word: &str) -> &'static str {
    if word.ends_with('e') { "ën" } else { "en" }
}

/// So many hundreds or thousands; one of them may go uncounted.
fn many(count: usize, unit: &str) -> Vec<String> {
    match count {
        1 => vec![unit.to_owned(), format!("een{unit}"), format!("een {unit}")],
        _ => cross(&below_hundred(count), &["", " "], &[unit]),
    }
}

fn with_rest(heads: &[String], rest: usize) -> Vec<String> {
    match rest {
        0 => heads.to_vec(),
        // "Honderd en een", but no second "en" where the rest has its own.
        1..=20 => cross(heads, &["", " ", "en", " en "], &below_hundred(rest)),
        _ => cross(heads, &["", " "], &below_thousand(rest)),
    }
}

fn and_a_half(number: usize) -> Vec<String> {
    let mut all = match number {
        0 => return owned(&["een half", "half", "halve", "een halve", "één half", "één halve"]),
        1 => owned(&["anderhalf", "anderhalve"]),
        _ => Vec::new(),
    };
    for spelled in whole(number) {
        let and = and_after(&spelled);
        all.extend(cross(&[&spelled], &[" en "], &["een half", "een halve", "half", "halve"]));
        all.extend(cross(&[&spelled], &[and], &["half", "halve", "eenhalf"]));
    }
    all
}
