//! Which questions stand alone: asked again by anybody, anywhere and later, the answer would be as good.
//!
//! Words alone decide, and in doubt a question does not stand alone: an answer made anew costs a second, one that was true
//! yesterday or for somebody else is wrong. Knows nothing of conversations; whoever asks sees to it that none went before.

use crate::core::dialogue::refers_to_now_or_here;

/// Languages whose words are known below; in others nothing stands alone.
const LANGUAGES: [&str; 6] = ["en", "de", "fr", "es", "nl", "it"];

/// Words for "me" that belong to how a thing is asked, not to what is asked.
const POLITE: [&str; 6] = ["tell me", "show me", "teach me", "to me", "help me understand", "remind me"];

/// What changes, what only this home or this person knows, what was said before, and what nobody wants to hear twice in
/// the same words. All languages at once: who speaks German to a home that is set to English has the same home.
#[rustfmt::skip]
const MARKS: &[&str] = &[
    // now, and what it is like now
    "current", "currently", "latest", "newest", "recent", "recently", "nowadays", "still", "already", "yet", "just",
    "ago", "last", "next", "lately", "moment", "minute", "minutes", "hour", "hours", "second", "seconds", "days",
    "weeks", "months", "years", "age", "old", "birthday", "calendar", "schedule", "appointment", "event", "events",
    "timer", "timers", "alarm", "alarms", "reminder", "reminders", "weather", "forecast", "rain", "raining", "snowing",
    "sunny", "umbrella", "outside", "inside", "news", "score", "traffic", "price", "prices", "stock", "stocks",
    "january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december",
    "spring", "summer", "autumn", "winter", "christmas", "easter", "holiday", "holidays", "sunrise", "sunset",
    "breakfast", "lunch", "dinner",
    // this home
    "home", "house", "apartment", "flat", "kitchen", "bedroom", "bathroom", "hall", "garden", "garage", "office",
    "light", "lights", "lamp", "lamps", "door", "doors", "window", "windows", "blind", "blinds", "curtain", "curtains",
    "heating", "heater", "thermostat", "temperature", "humidity", "degrees", "sensor", "battery", "fan", "lock",
    "locked", "unlocked", "open", "opened", "closed", "running", "playing", "volume", "music", "song", "tv",
    "television", "radio", "vacuum", "robot", "camera", "list", "shopping", "device", "devices", "anyone", "anybody",
    "someone", "somebody", "nearby", "near", "closest", "nearest", "local", "around", "turned", "switched", "status",
    // this person, and what was said before
    "i", "my", "me", "mine", "myself", "we", "us", "our", "ours", "remember", "remembered", "remind", "forget",
    "forgot", "said", "told", "asked", "talked", "mentioned", "earlier", "before", "previous",
    "previously", "again", "another", "more", "else", "continue", "same", "instead", "too", "also",
    "guess", "favourite", "favorite", "these", "those", "them", "he", "she", "him", "her",
    // another one each time
    "hi", "hello", "hey", "thanks", "thank", "bye", "goodbye", "joke", "jokes", "funny", "story", "stories", "poem",
    "poems", "rhyme", "limerick", "haiku", "riddle", "riddles", "random", "surprise", "fact", "facts", "trivia",
    "quiz", "roll", "dice", "flip", "coin", "pick", "choose", "suggest", "suggestion", "suggestions", "recommend",
    "recommendation", "idea", "ideas", "sing", "write", "compose", "invent", "imagine", "pretend", "play", "game",
    "you", "your", "yourself",
    // de
    "aktuell", "aktuelle", "gerade", "momentan", "derzeit", "noch", "schon", "letzte", "letzten", "nächste", "nächsten",
    "wetter", "regen", "regnet", "nachrichten", "neues", "wann", "stunde", "stunden", "minuten", "tage", "alt", "alter",
    "draußen", "drinnen", "zuhause", "haus", "wohnung", "küche", "licht", "lampe", "tür", "fenster", "heizung",
    "temperatur", "grad", "offen", "hause", "ich", "mich", "mir", "mein", "meine", "meinen", "meiner", "meinem",
    "wir", "uns", "unser", "unsere", "erinnere", "erinnerst", "vorhin", "vorher", "gesagt", "nochmal", "weiter",
    "andere", "anderen", "witz", "geschichte", "gedicht", "rätsel", "hallo", "danke", "tschüss", "du",
    "dein", "deine", "dich", "dir", "sie", "ihr", "musik", "lied", "zufällig", "wähle",
    // fr
    "actuel", "actuelle", "actuellement", "encore", "déjà", "dernier", "dernière", "prochain", "prochaine", "météo",
    "pluie", "pleut", "nouvelles", "quand", "heures", "minutes", "jours", "âge", "dehors", "maison", "cuisine",
    "lumière", "lampe", "porte", "fenêtre", "chauffage", "température", "ouvert", "ouverte", "je", "j", "moi", "mon",
    "ma", "mes", "nous", "notre", "nos", "rappelle", "souviens", "avant", "dit", "blague", "histoire", "poème",
    "devinette", "bonjour", "salut", "merci", "tu", "toi", "ton", "ta", "tes", "vous", "votre", "autre", "musique",
    // es
    "actual", "actualmente", "todavía", "último", "última", "próximo", "próxima", "tiempo", "lluvia", "llueve",
    "noticias", "cuándo", "cuando", "horas", "minutos", "días", "edad", "afuera", "casa", "cocina", "luz", "lámpara",
    "puerta", "ventana", "calefacción", "temperatura", "abierta", "yo", "mi", "mis", "mí", "nosotros", "nuestro",
    "nuestra", "recuerda", "recuerdas", "antes", "dijo", "dije", "chiste", "historia", "cuento", "poema", "adivinanza",
    "hola", "gracias", "tú", "tu", "tus", "te", "usted", "otro", "otra", "música", "canción",
    // nl
    "huidige", "nog", "laatste", "volgende", "weer", "regen", "nieuws", "wanneer", "uur", "minuten", "dagen", "oud",
    "buiten", "binnen", "thuis", "huis", "keuken", "licht", "lamp", "deur", "raam", "verwarming", "temperatuur", "ik",
    "mij", "mijn", "wij", "ons", "onze", "herinner", "eerder", "gezegd", "opnieuw", "mop", "grap", "verhaal",
    "gedicht", "raadsel", "hallo", "dank", "bedankt", "jij", "je", "jouw", "u", "uw", "ander", "andere", "muziek",
    // it
    "attuale", "attualmente", "ancora", "già", "ultimo", "ultima", "prossimo", "prossima", "tempo", "pioggia", "piove",
    "notizie", "quando", "minuti", "giorni", "giorno", "età", "fuori", "cucina", "luce", "lampada", "porta",
    "finestra", "riscaldamento", "io", "mio", "mia", "miei", "noi", "nostro", "nostra", "ricordi", "ricorda", "prima",
    "detto", "barzelletta", "storia", "poesia", "indovinello", "ciao", "grazie", "tuo", "tua", "ti", "altro", "altra",
    "musica", "canzone",
];

/// Whether the answer to a question, asked in a language by a conversation's first words, depends on nothing else.
#[must_use]
pub fn stands_alone(text: &str, lang: &str) -> bool {
    let language = lang.split(['-', '_']).next().unwrap_or_default().to_lowercase();
    if !LANGUAGES.contains(&language.as_str()) || refers_to_now_or_here(text) {
        return false;
    }
    let lowered = text.to_lowercase();
    let words: Vec<&str> = lowered.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    // One word is a greeting, a name, or the rest of something.
    if words.len() < 2 {
        return false;
    }
    let mut said = format!(" {} ", words.join(" "));
    for polite in POLITE {
        said = said.replace(&format!(" {polite} "), " ");
    }
    for asking in [" can you ", " could you ", " would you ", " do you know ", " please "] {
        said = said.replace(asking, " ");
    }
    !said.contains(" is it ") && !said.split(' ').any(|word| MARKS.contains(&word))
}

/// The question as it is compared: small letters, single blanks, no dot or question mark at the end.
///
/// Everything inside stays: `5-3` is not `5+3`, nor `c++` `c`.
#[must_use]
pub fn question_key(text: &str) -> String {
    let lowered = text.to_lowercase();
    let words: Vec<&str> = lowered.split_whitespace().collect();
    words.join(" ").trim_end_matches(['.', '?', '!', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{question_key, stands_alone};

    #[test]
    fn knowledge_stands_alone() {
        for text in [
            "explain quantum physics in simple terms",
            "What is the capital of France?",
            "Tell me how photosynthesis works.",
            "Can you explain to me why the sky is blue?",
            "how do vaccines work, please",
            "what is 5-3",
        ] {
            assert!(stands_alone(text, "en"), "{text}");
        }
        assert!(stands_alone("Was ist die Hauptstadt von Frankreich?", "de-AT"));
        assert!(stands_alone("Explique la photosynthèse", "fr"));
    }

    #[test]
    fn time_state_memory_and_variety_do_not() {
        for text in [
            "what time is it",
            "what's the date",
            "is it raining?",
            "what's the weather like",
            "what is my name",
            "do you remember what I said?",
            "and another one",
            "who are you",
            "is the kitchen light on",
            "how warm are we",
            "where can I eat",
            "what's happening nearby",
            "tell me a joke",
            "write a poem about rain",
            "hello there",
            "why",
            "who's older than me",
            "how old is the president",
            "Wie ist mein Name?",
            "Erzähl mir einen Witz",
            "quel est mon nom",
            "¿cómo me llamo yo?",
            "racconta una barzelletta",
        ] {
            assert!(!stands_alone(text, "en"), "{text}");
        }
        // Nothing is known of its words.
        assert!(!stands_alone("Vad är fotosyntes för något", "sv"));
    }

    #[test]
    fn questions_that_differ_in_more_than_manners_are_kept_apart() {
        assert_eq!(question_key("  What is   DNA? "), question_key("what is dna"));
        for (one, other) in [("what is 5-3", "what is 5+3"), ("what is c", "what is c++"), ("what is .5", "what is 5")]
        {
            assert_ne!(question_key(one), question_key(other));
        }
    }
}
