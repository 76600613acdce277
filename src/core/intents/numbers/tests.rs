//! What is said and what is not, by language, and what holds for all spellings.

use std::collections::HashMap;

use super::{Words, languages, percent_words, spellings};

/// A language, a number and some of the ways that it is said there.
type Case = (&'static str, f64, Words);

const ENGLISH: &[Case] = &[
    ("en", 0.0, &["zero"]),
    ("en", 13.0, &["thirteen"]),
    ("en", 40.0, &["forty"]),
    ("en", 55.0, &["fifty five"]),
    ("en", 100.0, &["one hundred", "a hundred", "hundred"]),
    ("en", 105.0, &["one hundred and five", "one hundred five", "a hundred and five"]),
    ("en", 120.0, &["a hundred and twenty", "one hundred twenty"]),
    ("en", 999.0, &["nine hundred and ninety nine", "nine hundred ninety nine"]),
    ("en", 1000.0, &["one thousand", "a thousand"]),
    ("en", 1005.0, &["one thousand five", "a thousand and five"]),
    ("en", 1100.0, &["eleven hundred", "one thousand one hundred", "a thousand one hundred"]),
    ("en", 1250.0, &["twelve hundred and fifty", "one thousand two hundred fifty"]),
    ("en", 2700.0, &["twenty seven hundred", "two thousand seven hundred"]),
    ("en", 6500.0, &["sixty five hundred", "six thousand five hundred"]),
    ("en", 10_000.0, &["ten thousand"]),
    ("en", 19_999.0, &["nineteen thousand nine hundred and ninety nine"]),
    ("en", -5.0, &["minus five", "negative five"]),
    ("en", -9_999.0, &["minus nine thousand nine hundred ninety nine"]),
    ("en", 20.5, &["twenty point five", "twenty and a half"]),
    ("en", 0.5, &["zero point five", "point five", "half", "a half"]),
    ("en", 21.7, &["twenty one point seven"]),
    ("en", -2.5, &["minus two point five", "minus two and a half"]),
];

const GERMAN: &[Case] = &[
    ("de", 0.0, &["null"]),
    ("de", 1.0, &["eins", "ein", "eine", "einen", "einer"]),
    ("de", 2.0, &["zwei", "zwo"]),
    ("de", 12.0, &["zwölf", "zwoelf"]),
    ("de", 17.0, &["siebzehn"]),
    ("de", 21.0, &["einundzwanzig", "ein und zwanzig"]),
    ("de", 30.0, &["dreißig", "dreissig"]),
    ("de", 35.0, &["fünfunddreißig", "fünfunddreissig", "fuenfunddreissig", "fünf und dreißig"]),
    ("de", 66.0, &["sechsundsechzig"]),
    ("de", 100.0, &["hundert", "einhundert", "ein hundert"]),
    ("de", 101.0, &["hunderteins", "einhunderteins", "hundert eins", "hundertundeins"]),
    ("de", 121.0, &["hunderteinundzwanzig", "hundert ein und zwanzig", "ein hundert einundzwanzig"]),
    ("de", 250.0, &["zweihundertfünfzig", "zwei hundert fünfzig", "zwohundertfuenfzig"]),
    ("de", 1000.0, &["tausend", "eintausend"]),
    ("de", 1200.0, &["zwölfhundert", "tausendzweihundert", "eintausend zweihundert"]),
    ("de", 2700.0, &["zweitausendsiebenhundert", "zwei tausend sieben hundert"]),
    ("de", -5.0, &["minus fünf", "minus fuenf"]),
    ("de", 20.5, &["zwanzig komma fünf", "zwanzigeinhalb", "zwanzig einhalb", "zwanzig und ein halb"]),
    ("de", 1.5, &["eineinhalb", "anderthalb", "eins komma fünf", "ein komma fünf"]),
    ("de", 0.5, &["null komma fünf", "einhalb", "einen halben"]),
    ("de", 19.1, &["neunzehn komma eins"]),
];

const FRENCH: &[Case] = &[
    ("fr", 0.0, &["zéro", "zero"]),
    ("fr", 1.0, &["un", "une"]),
    ("fr", 17.0, &["dix sept"]),
    ("fr", 21.0, &["vingt et un", "vingt et une"]),
    ("fr", 55.0, &["cinquante cinq"]),
    ("fr", 70.0, &["soixante dix", "septante"]),
    ("fr", 71.0, &["soixante et onze", "soixante onze", "septante et un"]),
    ("fr", 75.0, &["soixante quinze", "septante cinq"]),
    ("fr", 80.0, &["quatre vingts", "quatre vingt", "huitante", "octante"]),
    ("fr", 81.0, &["quatre vingt un", "quatre vingt une", "huitante et un"]),
    ("fr", 90.0, &["quatre vingt dix", "nonante"]),
    ("fr", 99.0, &["quatre vingt dix neuf", "nonante neuf"]),
    ("fr", 100.0, &["cent"]),
    ("fr", 180.0, &["cent quatre vingts", "cent huitante"]),
    ("fr", 200.0, &["deux cents", "deux cent"]),
    ("fr", 201.0, &["deux cent un", "deux cents un"]),
    ("fr", 1000.0, &["mille"]),
    ("fr", 1500.0, &["mille cinq cents", "quinze cents", "mille cinq cent"]),
    ("fr", 2700.0, &["deux mille sept cents"]),
    ("fr", -7.0, &["moins sept"]),
    ("fr", 19.5, &["dix neuf virgule cinq", "dix neuf et demi", "dix neuf et demie"]),
    ("fr", 0.5, &["zéro virgule cinq", "un demi", "demi"]),
];

const SPANISH: &[Case] = &[
    ("es", 0.0, &["cero"]),
    ("es", 1.0, &["uno", "un", "una"]),
    ("es", 16.0, &["dieciséis", "dieciseis", "diez y seis"]),
    ("es", 21.0, &["veintiuno", "veintiún", "veintiun", "veintiuna"]),
    ("es", 22.0, &["veintidós", "veintidos"]),
    ("es", 31.0, &["treinta y uno", "treinta y un", "treinta y una", "treintaiuno"]),
    ("es", 100.0, &["cien", "ciento"]),
    ("es", 101.0, &["ciento uno", "ciento un"]),
    ("es", 500.0, &["quinientos", "quinientas"]),
    ("es", 745.0, &["setecientos cuarenta y cinco"]),
    ("es", 1000.0, &["mil"]),
    ("es", 2700.0, &["dos mil setecientos"]),
    ("es", 16_000.0, &["dieciséis mil", "dieciseis mil"]),
    ("es", -3.0, &["menos tres"]),
    ("es", 20.5, &["veinte coma cinco", "veinte punto cinco", "veinte y medio", "veinte y media"]),
    ("es", 0.5, &["cero coma cinco", "medio"]),
];

const DUTCH: &[Case] = &[
    ("nl", 0.0, &["nul"]),
    ("nl", 1.0, &["een", "één"]),
    ("nl", 21.0, &["eenentwintig", "éénentwintig", "een en twintig", "één en twintig"]),
    ("nl", 22.0, &["tweeëntwintig", "tweeentwintig", "twee en twintig"]),
    ("nl", 80.0, &["tachtig"]),
    ("nl", 83.0, &["drieëntachtig", "drie en tachtig"]),
    ("nl", 100.0, &["honderd", "eenhonderd"]),
    ("nl", 101.0, &["honderdeen", "honderd een", "honderd en een"]),
    ("nl", 250.0, &["tweehonderdvijftig", "tweehonderd vijftig", "twee honderd vijftig"]),
    ("nl", 1000.0, &["duizend"]),
    ("nl", 1500.0, &["vijftienhonderd", "duizendvijfhonderd", "duizend vijfhonderd"]),
    ("nl", 2700.0, &["zevenentwintighonderd", "tweeduizend zevenhonderd"]),
    ("nl", -4.0, &["min vier"]),
    ("nl", 20.5, &["twintig komma vijf", "twintig en een half", "twintigenhalf"]),
    ("nl", 2.5, &["tweeënhalf", "twee en een half"]),
    ("nl", 1.5, &["anderhalf", "anderhalve", "een en een half"]),
    ("nl", 0.5, &["nul komma vijf", "een half", "half"]),
];

const ITALIAN: &[Case] = &[
    ("it", 0.0, &["zero"]),
    ("it", 1.0, &["uno", "un", "una"]),
    ("it", 21.0, &["ventuno", "ventun", "ventuna"]),
    ("it", 23.0, &["ventitré", "ventitre", "ventitrè"]),
    ("it", 28.0, &["ventotto"]),
    ("it", 47.0, &["quarantasette", "quaranta sette"]),
    ("it", 100.0, &["cento"]),
    ("it", 101.0, &["centouno", "centuno", "cento uno"]),
    ("it", 103.0, &["centotré", "centotre", "cento tre"]),
    ("it", 108.0, &["centotto", "centootto"]),
    ("it", 180.0, &["centottanta", "centoottanta"]),
    ("it", 250.0, &["duecentocinquanta", "duecento cinquanta"]),
    ("it", 1000.0, &["mille"]),
    ("it", 1100.0, &["millecento", "mille cento"]),
    ("it", 2700.0, &["duemilasettecento", "duemila settecento"]),
    ("it", -8.0, &["meno otto"]),
    ("it", 20.5, &["venti virgola cinque", "venti e mezzo", "venti e mezza"]),
    ("it", 0.5, &["zero virgola cinque", "mezzo"]),
];

#[test]
fn numbers_are_said_in_every_usual_way() {
    for (language, number, said) in [ENGLISH, GERMAN, FRENCH, SPANISH, DUTCH, ITALIAN].concat() {
        let spelled = spellings(language, number);
        for way in said {
            assert!(spelled.iter().any(|spelling| spelling == way), "{language} {number}: no {way:?} in {spelled:?}");
        }
    }
}

#[test]
fn what_nobody_says_is_no_spelling() {
    for (language, number, unsaid) in [
        ("en", 0.0, "oh"),
        ("en", 1.0, "a"),
        ("en", 2000.0, "twenty hundred"),
        ("en", 1100.0, "one thousand a hundred"),
        ("de", 121.0, "hundertein und zwanzig"),
        ("de", 101.5, "hunderteinereinhalb"),
        ("fr", 1000.0, "dix cents"),
        ("es", 1000.0, "un mil"),
        ("nl", 21.0, "eenëntwintig"),
        ("nl", 2000.0, "twintighonderd"),
        ("it", 21.0, "ventiuno"),
        ("it", 28.0, "ventiotto"),
    ] {
        let spelled = spellings(language, number);
        assert!(!spelled.iter().any(|spelling| spelling == unsaid), "{language} {number}: {unsaid:?} in {spelled:?}");
    }
}

#[test]
fn the_usual_spelling_comes_first() {
    for (language, number, usual) in [
        ("en", 120.0, "one hundred and twenty"),
        ("en", 1100.0, "one thousand one hundred"),
        ("de", 32.0, "zweiunddreißig"),
        ("fr", 71.0, "soixante et onze"),
        ("es", 22.0, "veintidós"),
        ("nl", 22.0, "tweeëntwintig"),
        ("it", 23.0, "ventitré"),
    ] {
        assert_eq!(spellings(language, number).first().map(String::as_str), Some(usual), "{language} {number}");
    }
}

#[test]
fn no_two_numbers_share_a_spelling() {
    for language in languages() {
        let mut known = HashMap::new();
        let wholes = (-20..=1000).map(|whole| whole * 10);
        let hundreds = (11..=100).map(|hundred| hundred * 1000);
        let tenths = (-200..=300).filter(|tenth| tenth % 10 != 0);
        for tenths in wholes.chain(hundreds).chain(tenths) {
            for spelling in spellings(language, f64::from(tenths) / 10.0) {
                if let Some(other) = known.insert(spelling.clone(), tenths) {
                    panic!("{language} {spelling:?} is {other} and {tenths} tenths");
                }
            }
        }
    }
}

#[test]
fn spellings_are_plain_lower_case_words() {
    for language in languages() {
        let wholes = (-20..=1000).map(|whole| whole * 10);
        let larger = (91..=1818).map(|eleven| eleven * 110);
        for tenths in wholes.chain(larger).chain(-200..=300) {
            let spelled = spellings(language, f64::from(tenths) / 10.0);
            assert!(!spelled.is_empty(), "{language} {tenths} tenths");
            for spelling in spelled {
                assert_eq!(spelling, plain(&spelling), "{language} {tenths} tenths");
            }
        }
        for (word, _) in percent_words(language) {
            assert_eq!(*word, plain(word), "{language}");
        }
    }
}

fn plain(spelling: &str) -> String {
    spelling.to_lowercase().replace('-', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn limits_are_kept() {
    for language in languages() {
        for spoken in [-9_999.9, -9_999.0, 19_999.0, 19_999.9, -0.5, 0.1 + 0.2, 20.000_000_1] {
            assert!(!spellings(language, spoken).is_empty(), "{language} {spoken}");
        }
        let unspoken =
            [-10_000.0, 20_000.0, 20.35, 0.01, 1e9, -1e300, f64::MAX, 1e-3, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        for number in unspoken {
            assert_eq!(spellings(language, number), [""; 0], "{language} {number}");
        }
        assert_eq!(spellings(language, -0.0), spellings(language, 0.0));
        assert_eq!(spellings(language, 0.1 + 0.2), spellings(language, 0.3));
    }
}

#[test]
fn languages_are_found_by_their_primary_subtag() {
    let two = [("en", "two"), ("de", "zwei"), ("fr", "deux"), ("es", "dos"), ("nl", "twee"), ("it", "due")];
    assert_eq!(languages().len(), two.len());
    for (language, word) in two {
        assert!(languages().contains(&language));
        for tag in [language, &language.to_uppercase(), &format!("{language}-CH"), &format!("{language}_XX")] {
            assert_eq!(spellings(tag, 2.0).first().map(String::as_str), Some(word), "{tag}");
            assert_eq!(percent_words(tag), percent_words(language), "{tag}");
        }
    }
    for tag in ["", "-", "xx", "eng", "e", "ende"] {
        assert_eq!(spellings(tag, 2.0), [""; 0], "{tag}");
        assert!(percent_words(tag).is_empty(), "{tag}");
    }
}

#[test]
fn parts_of_a_whole_are_percents() {
    for (language, word, percent) in [
        ("en", "half", 50.0),
        ("en", "a quarter", 25.0),
        ("en", "three quarters", 75.0),
        ("de", "hälfte", 50.0),
        ("de", "dreiviertel", 75.0),
        ("fr", "la moitié", 50.0),
        ("fr", "un quart", 25.0),
        ("es", "la mitad", 50.0),
        ("es", "tres cuartos", 75.0),
        ("nl", "de helft", 50.0),
        ("nl", "een kwart", 25.0),
        ("it", "la metà", 50.0),
        ("it", "tre quarti", 75.0),
    ] {
        assert!(percent_words(language).contains(&(word, percent)), "{language} {word}");
    }
}

#[test]
fn no_percent_word_is_a_whole_number() {
    for language in languages() {
        let numbers: Vec<String> = (0..=100).flat_map(|number| spellings(language, f64::from(number))).collect();
        for (index, (word, percent)) in percent_words(language).iter().enumerate() {
            assert!(!numbers.contains(&(*word).to_owned()), "{language} {word}");
            assert!((1.0..100.0).contains(percent) && percent.fract() == 0.0, "{language} {word} {percent}");
            assert!(
                !percent_words(language)[..index].iter().any(|(other, _)| other == word),
                "{language} {word} twice"
            );
        }
    }
}
