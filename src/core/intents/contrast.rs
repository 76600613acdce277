//! What is no slip of a name although the letters are near: words that mean something else.
//!
//! "East" is a letter or two from "west", and nobody who says the one means the other. Only words are looked at here; how
//! near they are is for [`super::slips`].

use super::names::Names;

/// Letters of a word that is too short for a slip.
const SHORT: usize = 2;
/// Words that tell things apart, and that are heard right: where one was said, no other was meant.
const CONTRASTS: [&str; 129] = [
    // Directions.
    "north",
    "south",
    "east",
    "west",
    "nord",
    "süd",
    "sud",
    "ost",
    "est",
    "ouest",
    "norte",
    "sur",
    "este",
    "oeste",
    "noord",
    "zuid",
    "oost",
    "ovest",
    // Sides.
    "left",
    "right",
    "centre",
    "center",
    "middle",
    "links",
    "rechts",
    "mitte",
    "gauche",
    "droite",
    "milieu",
    "izquierda",
    "derecha",
    "medio",
    "midden",
    "sinistra",
    "destra",
    "centro",
    "front",
    "rear",
    "back",
    "side",
    "inner",
    "outer",
    "inside",
    "outside",
    "indoor",
    "outdoor",
    // Heights.
    "upper",
    "lower",
    "top",
    "bottom",
    "high",
    "low",
    "upstairs",
    "downstairs",
    "oben",
    "unten",
    "haut",
    "bas",
    "arriba",
    "abajo",
    "boven",
    "beneden",
    "sopra",
    "sotto",
    // Sizes and ages.
    "big",
    "small",
    "large",
    "little",
    "long",
    "short",
    "old",
    "new",
    // Numbers and order.
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "last",
    "next",
    // Colours.
    "red",
    "green",
    "blue",
    "white",
    "black",
    "yellow",
    "orange",
    "purple",
    "pink",
    "brown",
    "grey",
    "gray",
    "gold",
    "silver",
    "rot",
    "grün",
    "blau",
    "weiss",
    "schwarz",
    "gelb",
    "rouge",
    "vert",
    "bleu",
    "blanc",
    "noir",
    "jaune",
    // Times and states.
    "day",
    "night",
    "morning",
    "evening",
    "summer",
    "winter",
    "hot",
    "cold",
    "warm",
    "cool",
    "light",
    "dark",
    "open",
    "closed",
];

/// Whether what was said is something else than the name that it is near to. Both are folded.
pub(super) fn is_another(said: &str, name: &str, names: &Names) -> bool {
    if names_exactly(said, names) {
        return true;
    }
    let (said, name): (Vec<&str>, Vec<&str>) = (said.split(' ').collect(), name.split(' ').collect());
    let shared = said.iter().zip(&name).take_while(|(one, other)| one == other).count();
    let (said, name) = (&said[shared..], &name[shared..]);
    let shared = said.iter().rev().zip(name.iter().rev()).take_while(|(one, other)| one == other).count();
    let (said, name) = (&said[..said.len() - shared], &name[..name.len() - shared]);
    // Only a space is wrong: "bed room" is "bedroom".
    if said.concat() == name.concat() {
        return false;
    }
    if said.len() != name.len() {
        return said.iter().chain(name).any(|word| is_short(word)) || said.iter().any(|word| is_contrast(word));
    }
    said.iter().zip(name).any(|(said, name)| said != name && is_other_word(said, name, names))
}

/// Whether a word is no slip of another.
fn is_other_word(said: &str, name: &str, names: &Names) -> bool {
    // A plural is no other word.
    let is_ending = said.starts_with(name) || name.starts_with(said);
    is_short(said) || is_short(name) || is_contrast(said) || (!is_ending && names.sounds.knows_word(said))
}

fn is_short(word: &str) -> bool {
    word.chars().count() <= SHORT
}

fn is_contrast(word: &str) -> bool {
    CONTRASTS.contains(&word)
}

/// Whether the words name a thing, a room or a floor as they are.
fn names_exactly(said: &str, names: &Names) -> bool {
    let mut is_name = false;
    names.trie.find(said.as_bytes(), 0, &mut |end, _| is_name |= end == said.len());
    is_name
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::super::names::NameOf;
    use super::*;

    #[test]
    fn a_word_that_means_something_else_is_no_slip() {
        let mut names = Names::default();
        for name in
            ["bedroom north lamp", "garden west light", "plug a", "night mode", "bed lamp", "curtain", "lounge lamp"]
        {
            names.add(NameOf::Thing, name, None, Map::new());
        }
        names.add(NameOf::Area, "garden", None, Map::new());
        for (said, name) in [
            ("bedroom south lamp", "bedroom north lamp"),
            ("garden east light", "garden west light"),
            ("plug b", "plug a"),
            ("plug", "plug a"),
            ("light mode", "night mode"),
            ("red lamp", "bed lamp"),
            ("garden", "curtain"),
            ("plug lamp", "slug lamp"),
        ] {
            assert!(is_another(said, name, &names), "{said} is not {name}");
        }
        for (said, name) in [
            ("bedroom nort lamp", "bedroom north lamp"),
            ("bed room north lamp", "bedroom north lamp"),
            ("gardn west light", "garden west light"),
            ("curtains", "curtain"),
            ("lounge lamps", "lounge lamp"),
        ] {
            assert!(!is_another(said, name, &names), "{said} may be {name}");
        }
    }

    #[test]
    fn a_letter_of_two_bytes_is_one_letter() {
        let mut names = Names::default();
        names.add(NameOf::Thing, "лампа", None, Map::new());
        let slips = |said| {
            super::super::slips::find(&super::super::sentence::heard::Heard::new(said, &[], false), &names).len()
        };
        assert_eq!(slips("дамка"), 0, "two of five letters");
        assert_eq!(slips("лампо"), 1);
        assert_eq!(slips("лмпа"), 1);
    }
}
