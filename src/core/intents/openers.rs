//! Words that begin a question: what follows one is asked, not commanded.

use crate::core::language;

/// By language, the words that open questions.
const OPENERS: [(&str, &[&str]); 6] = [
    (
        "en",
        &[
            "what", "what's", "whats", "why", "how", "how's", "who", "who's", "whom", "whose", "when", "where",
            "where's", "which", "is", "are", "was", "were", "do", "does", "did", "should", "am", "has", "have",
            "explain", "tell",
        ],
    ),
    (
        "de",
        &[
            "was", "warum", "wieso", "weshalb", "wie", "wer", "wem", "wen", "wessen", "wann", "wo", "woher", "wohin",
            "welche", "welcher", "welches", "ist", "sind", "war", "hat", "haben", "erkläre", "erklär",
        ],
    ),
    (
        "fr",
        &[
            "que", "quoi", "qu'est", "quel", "quelle", "quels", "quelles", "pourquoi", "comment", "qui", "quand", "où",
            "combien", "est", "explique",
        ],
    ),
    (
        "es",
        &[
            "qué", "que", "cuál", "cuáles", "por", "cómo", "como", "quién", "quiénes", "cuándo", "dónde", "cuánto",
            "cuánta", "cuántos", "cuántas", "es", "está", "explica",
        ],
    ),
    (
        "nl",
        &[
            "wat", "waarom", "hoe", "wie", "wiens", "wanneer", "waar", "welke", "welk", "is", "zijn", "was", "heeft",
            "leg",
        ],
    ),
    (
        "it",
        &[
            "che", "cosa", "cos'è", "quale", "quali", "perché", "come", "chi", "quando", "dove", "quanto", "quanta",
            "quanti", "quante", "è", "sono", "spiega",
        ],
    ),
];

/// Whether a folded word opens a question in a language.
pub(super) fn is_opener(tag: &str, word: &str) -> bool {
    language::of(&OPENERS, tag).is_some_and(|words| words.contains(&word))
}
