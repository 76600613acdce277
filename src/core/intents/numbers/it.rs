//! Italian number words, in one word as they are written and in several as speech-to-text writes them.

use super::{Language, Words, cross, owned};

pub(super) static LANGUAGE: Language = Language {
    whole,
    and_a_half,
    minus: &["meno"],
    point: &["virgola", "punto"],
    digits: [SMALL[0], &["uno"], SMALL[2], SMALL[3], SMALL[4], SMALL[5], SMALL[6], SMALL[7], SMALL[8], SMALL[9]],
    zero_unsaid: false,
    // "Ventitrè" is no correct spelling, but a frequent one.
    respellings: &[&[("é", "e")], &[("é", "è")]],
    percent: &[
        ("la metà", 50.0),
        ("metà", 50.0),
        ("a metà", 50.0),
        ("mezzo", 50.0),
        ("mezza", 50.0),
        ("un quarto", 25.0),
        ("tre quarti", 75.0),
        ("un terzo", 33.0),
        ("due terzi", 67.0),
    ],
};

const SMALL: [Words; 20] = [
    &["zero"],
    &["uno", "un", "una"],
    &["due"],
    &["tre"],
    &["quattro"],
    &["cinque"],
    &["sei"],
    &["sette"],
    &["otto"],
    &["nove"],
    &["dieci"],
    &["undici"],
    &["dodici"],
    &["tredici"],
    &["quattordici"],
    &["quindici"],
    &["sedici"],
    &["diciassette"],
    &["diciotto"],
    &["diciannove"],
];
const TENS: [&str; 8] = ["venti", "trenta", "quaranta", "cinquanta", "sessanta", "settanta", "ottanta", "novanta"];

fn whole(number: usize) -> Vec<String> {
    if number < 1000 {
        return below_thousand(number);
    }
    let heads = if number < 2000 { owned(&["mille"]) } else { cross(SMALL[number / 1000], &["", " "], &["mila"]) };
    with_rest(&heads, number % 1000)
}

fn below_thousand(number: usize) -> Vec<String> {
    match number {
        0..100 => below_hundred(number),
        100..200 => with_rest(&owned(&["cento"]), number % 100),
        _ => with_rest(&cross(SMALL[number / 100], &["", " "], &["cento"]), number % 100),
    }
}

fn below_hundred(number: usize) -> Vec<String> {
    if number < 20 {
        return owned(SMALL[number]);
    }
    let tens = TENS[number / 10 - 2];
    let units = SMALL[number % 10];
    match number % 10 {
        0 => vec![tens.to_owned()],
        // The ten loses its vowel before another: "ventuno", "ventotto".
        1 | 8 => {
            let mut all = cross(&[&tens[..tens.len() - 1]], &[""], units);
            all.extend(cross(&[tens], &[" "], units));
            all
        }
        3 => cross(&[tens], &[""], &["tré"]).into_iter().chain(cross(&[tens], &[" "], units)).collect(),
        _ => cross(&[tens], &["", " "], units),
    }
}

fn with_rest(heads: &[String], rest: usize) -> Vec<String> {
    if rest == 0 {
        return heads.to_vec();
    }
    let rests = below_thousand(rest);
    let mut all = Vec::new();
    for head in heads {
        match (rest, head.strip_suffix('o')) {
            (3, _) => all.push(format!("{head}tré")),
            // Both are written: "centootto" and "centotto", "centouno" and "centuno".
            (1 | 8 | 11 | 80..90, Some(shorter)) => {
                all.extend(cross(&[head.as_str(), shorter], &[""], &rests));
            }
            _ => all.extend(cross(&[head], &[""], &rests)),
        }
    }
    all.extend(cross(heads, &[" "], &rests));
    if rest < 10 {
        all.extend(cross(heads, &[" e "], &rests));
    }
    all
}

fn and_a_half(number: usize) -> Vec<String> {
    if number == 0 {
        return owned(&["mezzo", "mezza", "un mezzo"]);
    }
    cross(&whole(number), &[" "], &["e mezzo", "e mezza"])
}
