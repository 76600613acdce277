//! German number words, in one word as they are written and in several as speech-to-text writes them.

use super::{Language, Words, cross, owned};

pub(super) static LANGUAGE: Language = Language {
    whole,
    and_a_half,
    minus: &["minus"],
    point: &["komma", "punkt"],
    digits: [&["null"], &["eins"], STEMS[2], STEMS[3], STEMS[4], STEMS[5], STEMS[6], STEMS[7], STEMS[8], STEMS[9]],
    zero_unsaid: false,
    // Swiss, and keyboards without umlauts.
    respellings: &[&[("ß", "ss")], &[("ß", "ss"), ("ü", "ue"), ("ö", "oe")]],
    percent: &[
        ("die hälfte", 50.0),
        ("hälfte", 50.0),
        ("zur hälfte", 50.0),
        ("die haelfte", 50.0),
        ("haelfte", 50.0),
        ("zur haelfte", 50.0),
        ("halb", 50.0),
        ("ein viertel", 25.0),
        ("einviertel", 25.0),
        ("viertel", 25.0),
        ("drei viertel", 75.0),
        ("dreiviertel", 75.0),
        ("ein drittel", 33.0),
        ("eindrittel", 33.0),
        ("drittel", 33.0),
        ("zwei drittel", 67.0),
        ("zweidrittel", 67.0),
    ],
};

/// One on its own and at the end of a number, by gender and case.
const ONE: Words = &["eins", "ein", "eine", "einen", "einer", "eines", "einem"];
/// Numbers as they stand before another word.
const STEMS: [Words; 20] = [
    &["null"],
    &["ein"],
    &["zwei", "zwo"],
    &["drei"],
    &["vier"],
    &["fünf"],
    &["sechs"],
    &["sieben"],
    &["acht"],
    &["neun"],
    &["zehn"],
    &["elf"],
    &["zwölf"],
    &["dreizehn"],
    &["vierzehn"],
    &["fünfzehn"],
    &["sechzehn"],
    &["siebzehn"],
    &["achtzehn"],
    &["neunzehn"],
];
const TENS: [Words; 8] =
    [&["zwanzig"], &["dreißig"], &["vierzig"], &["fünfzig"], &["sechzig"], &["siebzig"], &["achtzig"], &["neunzig"]];

fn whole(number: usize) -> Vec<String> {
    if number < 1000 {
        return below_thousand(number);
    }
    let mut all = with_rest(&many(number / 1000, "tausend"), number % 1000);
    if (1100..2000).contains(&number) {
        all.extend(with_rest(&many(number / 100, "hundert"), number % 100));
    }
    all
}

fn below_thousand(number: usize) -> Vec<String> {
    if number < 100 { below_hundred(number) } else { with_rest(&many(number / 100, "hundert"), number % 100) }
}

fn below_hundred(number: usize) -> Vec<String> {
    match (number, number % 10) {
        (1, _) => owned(ONE),
        (0..20, _) => owned(STEMS[number]),
        (_, 0) => owned(TENS[number / 10 - 2]),
        (_, unit) => cross(STEMS[unit], &["und", " und "], TENS[number / 10 - 2]),
    }
}

/// So many hundreds or thousands; one of them may go uncounted.
fn many(count: usize, unit: &str) -> Vec<String> {
    let counted = cross(STEMS[count], &["", " "], &[unit]);
    if count == 1 { std::iter::once(unit.to_owned()).chain(counted).collect() } else { counted }
}

fn with_rest(heads: &[String], rest: usize) -> Vec<String> {
    match rest {
        0 => heads.to_vec(),
        // "Hundertundeins", but no second "und" where the rest has its own.
        1..=20 => cross(heads, &["", " ", "und", " und "], &below_hundred(rest)),
        _ => cross(heads, &["", " "], &below_thousand(rest)),
    }
}

fn and_a_half(number: usize) -> Vec<String> {
    let mut all = match number {
        0 => {
            return owned(&[
                "einhalb",
                "ein halb",
                "halb",
                "halbe",
                "halben",
                "halber",
                "halbes",
                "halbem",
                "ein halbes",
                "ein halber",
                "eine halbe",
                "einen halben",
                "einem halben",
                "einer halben",
            ]);
        }
        1 => owned(&["anderthalb"]),
        _ => Vec::new(),
    };
    // A half follows the bare number: "hunderteinseinhalb" is said, "hunderteinereinhalb" is not.
    let mut wholes = whole(number);
    wholes.retain(|spelled| !ONE[2..].iter().any(|inflected| spelled.ends_with(inflected)));
    all.extend(cross(&wholes, &["", " "], &["einhalb", "undeinhalb"]));
    all.extend(cross(&wholes, &[" "], &["ein halb", "und einhalb", "und ein halb"]));
    all
}
