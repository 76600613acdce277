//! Spanish number words, with their accents and without.

use super::{Language, Words, cross, owned};

pub(super) static LANGUAGE: Language = Language {
    whole,
    and_a_half,
    minus: &["menos"],
    point: &["coma", "punto"],
    digits: [SMALL[0], &["uno"], SMALL[2], SMALL[3], SMALL[4], SMALL[5], SMALL[6], SMALL[7], SMALL[8], SMALL[9]],
    zero_unsaid: false,
    respellings: &[&[("é", "e"), ("ó", "o"), ("ú", "u")]],
    percent: &[
        ("la mitad", 50.0),
        ("mitad", 50.0),
        ("medio", 50.0),
        ("media", 50.0),
        ("un cuarto", 25.0),
        ("una cuarta parte", 25.0),
        ("la cuarta parte", 25.0),
        ("tres cuartos", 75.0),
        ("tres cuartas partes", 75.0),
        ("un tercio", 33.0),
        ("una tercera parte", 33.0),
        ("la tercera parte", 33.0),
        ("dos tercios", 67.0),
        ("dos terceras partes", 67.0),
    ],
};

/// Numbers below thirty are one word; "diez y seis" and "veinte y uno" are older spellings.
const SMALL: [Words; 30] = [
    &["cero"],
    &["uno", "un", "una"],
    &["dos"],
    &["tres"],
    &["cuatro"],
    &["cinco"],
    &["seis"],
    &["siete"],
    &["ocho"],
    &["nueve"],
    &["diez"],
    &["once"],
    &["doce"],
    &["trece"],
    &["catorce"],
    &["quince"],
    &["dieciséis", "diez y seis"],
    &["diecisiete", "diez y siete"],
    &["dieciocho", "diez y ocho"],
    &["diecinueve", "diez y nueve"],
    &["veinte"],
    &["veintiuno", "veintiún", "veintiuna", "veinte y uno", "veinte y un", "veinte y una"],
    &["veintidós", "veinte y dos"],
    &["veintitrés", "veinte y tres"],
    &["veinticuatro", "veinte y cuatro"],
    &["veinticinco", "veinte y cinco"],
    &["veintiséis", "veinte y seis"],
    &["veintisiete", "veinte y siete"],
    &["veintiocho", "veinte y ocho"],
    &["veintinueve", "veinte y nueve"],
];
/// Units at the end of "treintaiuno", where some need an accent.
const ENDINGS: [Words; 10] = [
    &[],
    &["uno", "ún", "una"],
    &["dós"],
    &["trés"],
    &["cuatro"],
    &["cinco"],
    &["séis"],
    &["siete"],
    &["ocho"],
    &["nueve"],
];
const TENS: [&str; 7] = ["treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"];
const HUNDREDS: [Words; 10] = [
    &[],
    &["ciento"],
    &["doscientos", "doscientas"],
    &["trescientos", "trescientas"],
    &["cuatrocientos", "cuatrocientas"],
    &["quinientos", "quinientas"],
    &["seiscientos", "seiscientas"],
    &["setecientos", "setecientas"],
    &["ochocientos", "ochocientas"],
    &["novecientos", "novecientas"],
];

fn whole(number: usize) -> Vec<String> {
    if number < 1000 {
        return below_thousand(number);
    }
    let heads = if number < 2000 { owned(&["mil"]) } else { cross(SMALL[number / 1000], &[" "], &["mil"]) };
    if number.is_multiple_of(1000) { heads } else { cross(&heads, &[" "], &below_thousand(number % 1000)) }
}

fn below_thousand(number: usize) -> Vec<String> {
    match (number, number % 100) {
        (0..100, _) => below_hundred(number),
        // "Ciento por ciento".
        (100, _) => owned(&["cien", "ciento"]),
        (_, 0) => owned(HUNDREDS[number / 100]),
        (_, rest) => cross(HUNDREDS[number / 100], &[" "], &below_hundred(rest)),
    }
}

fn below_hundred(number: usize) -> Vec<String> {
    if number < 30 {
        return owned(SMALL[number]);
    }
    let tens = [TENS[number / 10 - 3]];
    match number % 10 {
        0 => owned(&tens),
        unit => {
            let mut all = cross(&tens, &[" y "], SMALL[unit]);
            all.extend(cross(&tens, &["i"], ENDINGS[unit]));
            all
        }
    }
}

fn and_a_half(number: usize) -> Vec<String> {
    if number == 0 {
        return owned(&["medio", "media", "un medio"]);
    }
    cross(&whole(number), &[" "], &["y medio", "y media"])
}
