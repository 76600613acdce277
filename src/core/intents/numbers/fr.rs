//! French number words, of France ("quatre vingt dix"), of Belgium and of Switzerland ("nonante").

use super::{Language, Words, cross, owned};

pub(super) static LANGUAGE: Language = Language {
    whole,
    and_a_half,
    minus: &["moins"],
    point: &["virgule", "point"],
    digits: [SMALL[0], &["un"], SMALL[2], SMALL[3], SMALL[4], SMALL[5], SMALL[6], SMALL[7], SMALL[8], SMALL[9]],
    zero_unsaid: false,
    respellings: &[&[("é", "e")]],
    percent: &[
        ("la moitié", 50.0),
        ("moitié", 50.0),
        ("à moitié", 50.0),
        ("la moitie", 50.0),
        ("moitie", 50.0),
        ("a moitie", 50.0),
        ("un quart", 25.0),
        ("le quart", 25.0),
        ("quart", 25.0),
        ("trois quarts", 75.0),
        ("les trois quarts", 75.0),
        ("trois quart", 75.0),
        ("un tiers", 33.0),
        ("le tiers", 33.0),
        ("tiers", 33.0),
        ("deux tiers", 67.0),
        ("les deux tiers", 67.0),
    ],
};

const SMALL: [Words; 20] = [
    &["zéro"],
    &["un", "une"],
    &["deux"],
    &["trois"],
    &["quatre"],
    &["cinq"],
    &["six"],
    &["sept"],
    &["huit"],
    &["neuf"],
    &["dix"],
    &["onze"],
    &["douze"],
    &["treize"],
    &["quatorze"],
    &["quinze"],
    &["seize"],
    &["dix sept"],
    &["dix huit"],
    &["dix neuf"],
];
const TENS: [&str; 5] = ["vingt", "trente", "quarante", "cinquante", "soixante"];

fn whole(number: usize) -> Vec<String> {
    if number < 1000 {
        return below_thousand(number);
    }
    let heads = if number < 2000 { owned(&["mille"]) } else { cross(SMALL[number / 1000], &[" "], &["mille"]) };
    let mut all = with_rest(&heads, number % 1000);
    // "Onze cents", up to "dix neuf cents".
    if (1100..2000).contains(&number) {
        all.extend(with_rest(&hundreds(number / 100), number % 100));
    }
    all
}

fn below_thousand(number: usize) -> Vec<String> {
    match number {
        0..100 => below_hundred(number),
        100..200 => with_rest(&owned(&["cent"]), number % 100),
        _ => with_rest(&hundreds(number / 100), number % 100),
    }
}

/// So many hundreds; the silent s is written by rule at the end only, and by speech-to-text anywhere.
fn hundreds(count: usize) -> Vec<String> {
    cross(SMALL[count], &[" "], &["cents", "cent"])
}

fn with_rest(heads: &[String], rest: usize) -> Vec<String> {
    if rest == 0 { heads.to_vec() } else { cross(heads, &[" "], &below_thousand(rest)) }
}

fn below_hundred(number: usize) -> Vec<String> {
    match number {
        0..20 => owned(SMALL[number]),
        20..70 => tens(TENS[number / 10 - 2], number % 10),
        70..80 => {
            let mut all = cross(&["soixante"], &[" "], SMALL[number - 60]);
            if number == 71 {
                all.insert(0, "soixante et onze".to_owned());
            }
            all.extend(tens("septante", number % 10));
            all
        }
        80 => owned(&["quatre vingts", "quatre vingt", "huitante", "octante"]),
        _ => {
            let mut all = cross(&["quatre vingt"], &[" "], SMALL[number - 80]);
            let others: Words = if number < 90 { &["huitante", "octante"] } else { &["nonante"] };
            all.extend(others.iter().flat_map(|word| tens(word, number % 10)));
            all
        }
    }
}

/// Tens with their units: one is joined by "et".
fn tens(word: &str, unit: usize) -> Vec<String> {
    match unit {
        0 => vec![word.to_owned()],
        1 => cross(&[word], &[" et ", " "], SMALL[1]),
        _ => cross(&[word], &[" "], SMALL[unit]),
    }
}

fn and_a_half(number: usize) -> Vec<String> {
    if number == 0 {
        return owned(&["un demi", "une demie", "une demi", "demi", "demie"]);
    }
    cross(&whole(number), &[" "], &["et demi", "et demie"])
}
