//! Verbs that open a command in languages that the predictor was not trained for.
//!
//! A command that no rule matched must not be given to a model, which could claim to have carried it out. Imperatives that a
//! house is spoken to with, and no more: what is missed here is small talk at worst.

/// By language, the first words of commands.
const VERBS: [(&str, &[&str]); 5] = [
    (
        "de",
        &[
            "schalte",
            "schalt",
            "mach",
            "mache",
            "stell",
            "stelle",
            "setze",
            "öffne",
            "schließ",
            "schließe",
            "schliesse",
            "dimme",
            "dimm",
            "fahr",
            "fahre",
            "erhöhe",
            "senke",
            "verringere",
            "reduziere",
            "pausiere",
            "stopp",
            "stoppe",
            "starte",
            "spiele",
            "aktiviere",
            "deaktiviere",
            "verriegle",
            "verriegele",
            "entriegle",
            "entriegele",
        ],
    ),
    (
        "fr",
        &[
            "allume",
            "allumez",
            "éteins",
            "éteignez",
            "ouvre",
            "ouvrez",
            "ferme",
            "fermez",
            "monte",
            "montez",
            "baisse",
            "baissez",
            "règle",
            "réglez",
            "mets",
            "mettez",
            "active",
            "activez",
            "désactive",
            "désactivez",
            "augmente",
            "diminue",
            "lance",
            "arrête",
            "arrêtez",
            "verrouille",
            "déverrouille",
        ],
    ),
    (
        "es",
        &[
            "enciende",
            "encienda",
            "prende",
            "apaga",
            "apague",
            "abre",
            "abra",
            "cierra",
            "cierre",
            "sube",
            "baja",
            "pon",
            "ponga",
            "ajusta",
            "activa",
            "desactiva",
            "aumenta",
            "reduce",
            "detén",
            "pausa",
            "reproduce",
            "bloquea",
            "desbloquea",
        ],
    ),
    (
        "nl",
        &[
            "zet",
            "doe",
            "schakel",
            "open",
            "sluit",
            "dim",
            "verhoog",
            "verlaag",
            "start",
            "stop",
            "pauzeer",
            "speel",
            "vergrendel",
            "ontgrendel",
            "activeer",
            "deactiveer",
        ],
    ),
    (
        "it",
        &[
            "accendi",
            "spegni",
            "apri",
            "chiudi",
            "alza",
            "abbassa",
            "imposta",
            "metti",
            "attiva",
            "disattiva",
            "aumenta",
            "riduci",
            "ferma",
            "avvia",
            "riproduci",
            "blocca",
            "sblocca",
        ],
    ),
];
/// What may stand before the verb.
const COURTESIES: [&str; 8] = ["bitte", "hey", "ok", "okay", "stp", "porfavor", "alsjeblieft", "allora"];
/// Behind these verbs it is said to a person: "mach mir Mut", "stell dir vor", "doe je mee".
const PERSONS: [&str; 12] = ["mir", "dir", "uns", "euch", "mich", "dich", "moi", "toi", "me", "te", "je", "mi"];

/// The verb that makes lower-case words a command in a language, if one does.
pub(super) fn command<'s>(lang: &str, words: &[&'s str]) -> Option<&'s str> {
    let primary = lang.split(['-', '_']).next().unwrap_or_default();
    let (_, verbs) = VERBS.iter().find(|(language, _)| language.eq_ignore_ascii_case(primary))?;
    let mut words = words.iter().skip_while(|word| COURTESIES.contains(word));
    let verb = words.next().filter(|word| verbs.contains(word))?;
    let is_for_a_person = words.next().is_none_or(|next| PERSONS.contains(next));
    (!is_for_a_person).then_some(verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_house_is_told_is_a_command() {
        for (lang, text, verb) in [
            ("de", "bitte schalte das blabla ein", Some("schalte")),
            ("de-CH", "öffne die rollläden", Some("öffne")),
            ("fr", "allume le plafonnier", Some("allume")),
            ("nl", "doe het licht uit", Some("doe")),
            ("de", "mach mir mut", None),
            ("de", "stell dir vor", None),
            ("de", "mach", None),
            ("de", "wie geht es dir", None),
            ("es", "schalte das licht ein", None),
            ("sv", "tänd lampan", None),
        ] {
            assert_eq!(command(lang, &text.split(' ').collect::<Vec<_>>()), verb, "{lang} {text}");
        }
    }
}
