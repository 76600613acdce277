//! What somebody said: the payload read, its limits checked, its text made ready for matching.
//!
//! Takes bytes and returns an [`Utterance`] or a [`Refusal`]; it invents no id and reads no clock, so the caller gives an
//! utterance without an id a fresh one.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::core::reply::Code;

/// Characters an utterance's text may have after trimming.
pub const MAX_TEXT_CHARS: usize = 2_000;
/// Bytes of a payload that are looked at; a text of [`MAX_TEXT_CHARS`] fits even when every character is escaped.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;
/// Characters of an id, a user id or a site id.
pub const MAX_IDENTIFIER_CHARS: usize = 64;

/// An id of 1 to 64 characters of `A-Z a-z 0-9 _ - .`: safe as one level of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Identifier(String);

impl Identifier {
    /// Reads an identifier, `None` where it is empty, too long or has another character.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        (!text.is_empty() && text.len() <= MAX_IDENTIFIER_CHARS && text.chars().all(allowed))
            .then(|| Self(text.to_owned()))
    }

    /// The identifier's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who answers: rules, the small model or the large one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Device commands by rules written in YAML.
    Intent,
    /// Short chat by the small model.
    Chat,
    /// Explanations by the large model.
    Explain,
}

impl Tier {
    /// The tier's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Chat => "chat",
            Self::Explain => "explain",
        }
    }
}

/// How replies are written: JSON objects, or bare text for very small clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a reply.
    #[default]
    Json,
    /// Bare text; an empty payload ends it.
    Text,
}

/// One thing said, checked and complete but for an id that the speaker may leave to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Utterance {
    /// Names the reply topic; `None` where the sender gave none.
    pub id: Option<Identifier>,
    /// What was said, trimmed, without control characters.
    pub text: String,
    /// Whose conversation this is.
    pub user_id: Identifier,
    /// Where it was said.
    pub site_id: Option<Identifier>,
    /// Whether chunks are wanted before the final object.
    pub stream: bool,
    /// How replies are written.
    pub format: Format,
    /// The tier that was asked for, `None` for the router's choice.
    pub tier: Option<Tier>,
    /// The language to match, `None` for the config's.
    pub lang: Option<String>,
}

/// Why a payload is no utterance, with the id to answer on where it had a usable one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The id the sender gave, if it can name a topic.
    pub id: Option<Identifier>,
    /// [`Code::BadRequest`] or [`Code::TooLong`].
    pub code: Code,
    /// One sentence for the person who sent it.
    pub message: String,
}

/// The JSON form; each field as any value, so that a wrong type still leaves the id readable.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    text: Option<Value>,
    id: Option<Value>,
    user_id: Option<Value>,
    site_id: Option<Value>,
    stream: Option<Value>,
    format: Option<Value>,
    tier: Option<Value>,
    lang: Option<Value>,
}

/// Reads an MQTT payload: an object where it starts with `{`, plain text otherwise.
///
/// # Errors
/// A [`Refusal`] that says which field is wrong and how.
pub fn parse(payload: &[u8], topic_site: Option<&Identifier>) -> Result<Utterance, Refusal> {
    let refuse = |code, message: &str| Refusal { id: None, code, message: message.to_owned() };
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(refuse(Code::TooLong, "the payload is longer than 64 KiB"));
    }
    let text = std::str::from_utf8(payload).map_err(|_| refuse(Code::BadRequest, "the payload is not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('{') {
        return parse_object(text, topic_site);
    }
    from_fields(&Fields { text: Some(Value::String(text.to_owned())), ..Fields::default() }, topic_site)
}

/// Reads the JSON object of the contract.
///
/// # Errors
/// As [`parse`].
pub fn parse_object(json: &str, topic_site: Option<&Identifier>) -> Result<Utterance, Refusal> {
    let refuse = |message| Refusal { id: None, code: Code::BadRequest, message };
    // serde would read a list as the fields in their order.
    if !json.trim_start().starts_with('{') {
        return Err(refuse("an utterance is a JSON object".to_owned()));
    }
    let fields: Fields = serde_json::from_str(json)
        .map_err(|error| refuse(format!("the payload is not the JSON object of an utterance: {error}")))?;
    from_fields(&fields, topic_site)
}

fn from_fields(fields: &Fields, topic_site: Option<&Identifier>) -> Result<Utterance, Refusal> {
    let id = match identifier("id", fields.id.as_ref()) {
        Ok(id) => id,
        Err((code, message)) => return Err(Refusal { id: None, code, message }),
    };
    let read = || -> Result<Utterance, (Code, String)> {
        let site_id = identifier("site_id", fields.site_id.as_ref())?.or_else(|| topic_site.cloned());
        let user_id = identifier("user_id", fields.user_id.as_ref())?
            .or_else(|| site_id.clone())
            .unwrap_or_else(|| Identifier("anonymous".to_owned()));
        Ok(Utterance {
            id: id.clone(),
            text: spoken_text(fields.text.as_ref())?,
            user_id,
            site_id,
            stream: match present(fields.stream.as_ref()) {
                None => true,
                Some(Value::Bool(stream)) => *stream,
                Some(_) => return Err(wrong_type("stream", "true or false")),
            },
            format: match present(fields.format.as_ref()) {
                None => Format::Json,
                Some(Value::String(format)) if format == "json" => Format::Json,
                Some(Value::String(format)) if format == "text" => Format::Text,
                Some(_) => return Err(wrong_type("format", "\"json\" or \"text\"")),
            },
            tier: match present(fields.tier.as_ref()) {
                None => None,
                Some(value) => Some(
                    Tier::deserialize(value).map_err(|_| wrong_type("tier", "\"intent\", \"chat\" or \"explain\""))?,
                ),
            },
            lang: match present(fields.lang.as_ref()) {
                None => None,
                Some(Value::String(lang)) if is_language_tag(lang) => Some(lang.clone()),
                Some(_) => return Err(wrong_type("lang", "a language tag such as \"en\" or \"de-AT\"")),
            },
        })
    };
    read().map_err(|(code, message)| Refusal { id: id.clone(), code, message })
}

/// `null` means the same as a field left out.
fn present(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

fn wrong_type(field: &str, wanted: &str) -> (Code, String) {
    (Code::BadRequest, format!("`{field}` must be {wanted}"))
}

fn identifier(field: &str, value: Option<&Value>) -> Result<Option<Identifier>, (Code, String)> {
    match present(value) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() > MAX_IDENTIFIER_CHARS => {
            Err((Code::TooLong, format!("`{field}` is longer than {MAX_IDENTIFIER_CHARS} characters")))
        }
        Some(Value::String(text)) => Identifier::parse(text)
            .map(Some)
            .ok_or_else(|| wrong_type(field, "1 to 64 characters of A-Z a-z 0-9 _ - .")),
        Some(_) => Err(wrong_type(field, "a string")),
    }
}

fn is_language_tag(tag: &str) -> bool {
    tag.len() <= 35
        && tag
            .split(['-', '_'])
            .all(|part| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric()))
}

fn spoken_text(value: Option<&Value>) -> Result<String, (Code, String)> {
    let text = match present(value) {
        None => return Err((Code::BadRequest, "`text` is missing: say what was said in it".to_owned())),
        Some(Value::String(text)) => text,
        Some(_) => return Err(wrong_type("text", "a string")),
    };
    let text: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|&c| !c.is_control() && !is_bidi_control(c))
        .collect();
    let text = text.trim();
    if text.chars().all(|c| c.is_whitespace() || is_zero_width(c)) {
        return Err((Code::BadRequest, "the text is empty: there is nothing to answer".to_owned()));
    }
    if text.chars().count() > MAX_TEXT_CHARS {
        return Err((Code::TooLong, format!("the text is longer than {MAX_TEXT_CHARS} characters")));
    }
    Ok(text.to_owned())
}

/// Marks that reorder what a person sees, so that a log line or a rule could show something else than what it matches.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Zero-width characters: invisible, and no part of what was said.
fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{00ad}')
}

/// Punctuation that speech-to-text adds and nobody speaks; not `-`, which is part of names.
fn is_punctuation(c: char) -> bool {
    matches!(
        c,
        '.' | '。'
            | ','
            | '，'
            | '?'
            | '¿'
            | '？'
            | '؟'
            | '!'
            | '¡'
            | '！'
            | ';'
            | '；'
            | ':'
            | '：'
            | '…'
            | '—'
            | '–'
            | '―'
            | '"'
            | '“'
            | '”'
    )
}

/// Makes text ready for matching: NFC, one space between words, straight apostrophes, no punctuation at the ends of words.
///
/// Case is kept; matching ignores it. What stands inside a word stays (`2.5`, `what's`), and so does the last dot of an
/// initialism (`A.C.`). Doing it twice changes nothing.
#[must_use]
pub fn normalise(text: &str) -> String {
    // Most of what is said needs no composing, and every device command waits for this.
    let composed: Cow<'_, str> = if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        let shown = text.nfc().filter(|&c| !is_zero_width(c) && !is_bidi_control(c));
        // Again: what was taken out may have stood between a letter and its accent.
        shown.map(|c| if matches!(c, '\u{2019}' | '\u{2018}') { '\'' } else { c }).nfc().collect()
    };
    let mut normalised = String::with_capacity(composed.len());
    for word in composed.split(|c: char| c.is_whitespace() || c.is_control()) {
        let mut bare = word.trim_matches(is_punctuation);
        // "A.C." keeps its dot: the trimmed word has dots inside and the next character was one.
        if is_initialism(bare) {
            let end = word.find(bare).unwrap_or(0) + bare.len();
            if word[end..].starts_with('.') {
                bare = &word[end - bare.len()..=end];
            }
        }
        if bare.is_empty() {
            continue;
        }
        if !normalised.is_empty() {
            normalised.push(' ');
        }
        normalised.push_str(bare);
    }
    normalised
}

/// Single letters with dots between them: `A.C`, `t.v`.
fn is_initialism(word: &str) -> bool {
    word.contains('.') && word.split('.').all(|part| part.chars().count() == 1 && part.chars().all(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(payload: &str) -> Utterance {
        parse(payload.as_bytes(), None).unwrap()
    }

    fn refusal(payload: &[u8]) -> (Code, String) {
        let refusal = parse(payload, None).unwrap_err();
        (refusal.code, refusal.message)
    }

    #[test]
    fn plain_text_is_the_text() {
        let site = Identifier::parse("kitchen").unwrap();
        let utterance = parse(" turn on\tthe light\r\n".as_bytes(), Some(&site)).unwrap();
        assert_eq!(utterance.text, "turn on the light");
        assert_eq!((utterance.user_id.as_str(), utterance.site_id.as_ref()), ("kitchen", Some(&site)));
        assert_eq!((utterance.id, utterance.stream, utterance.format), (None, true, Format::Json));
        assert_eq!((utterance.tier, utterance.lang), (None, None));
        assert_eq!(read("[\"not\", \"an object\"]").text, "[\"not\", \"an object\"]");
        assert_eq!(read("\u{feff}hi").user_id.as_str(), "anonymous");
    }

    #[test]
    fn every_field_of_an_object_is_read() {
        let site = Identifier::parse("hall").unwrap();
        let payload = json!({"text": "hi", "id": "a-1.b_C", "user_id": "eve", "site_id": "den", "stream": false,
            "format": "text", "tier": "explain", "lang": "de-AT", "unknown": {"is": ["ignored"]}});
        let utterance = parse(payload.to_string().as_bytes(), Some(&site)).unwrap();
        let wanted = Utterance {
            id: Identifier::parse("a-1.b_C"),
            text: "hi".to_owned(),
            user_id: Identifier::parse("eve").unwrap(),
            site_id: Identifier::parse("den"),
            stream: false,
            format: Format::Text,
            tier: Some(Tier::Explain),
            lang: Some("de-AT".to_owned()),
        };
        assert_eq!(utterance, wanted);
        let nulls = r#"{"text":"hi","id":null,"user_id":null,"site_id":null,"stream":null,"format":null,"tier":null,"lang":null}"#;
        assert_eq!(read(nulls), read(r#"{"text":"hi"}"#));
    }

    #[test]
    fn a_wrong_field_is_named_and_the_id_kept() {
        for (payload, code, word) in [
            (json!({"id": "x"}), Code::BadRequest, "`text`"),
            (json!({"id": "x", "text": 5}), Code::BadRequest, "`text`"),
            (json!({"id": "x", "text": " \u{200b}\u{202e}\u{0}\n"}), Code::BadRequest, "empty"),
            (json!({"id": "x", "text": "é".repeat(2_001)}), Code::TooLong, "2000 characters"),
            (json!({"id": "x", "text": "a", "user_id": "a/b"}), Code::BadRequest, "`user_id`"),
            (json!({"id": "x", "text": "a", "site_id": "s".repeat(65)}), Code::TooLong, "`site_id`"),
            (json!({"id": "x", "text": "a", "stream": "yes"}), Code::BadRequest, "`stream`"),
            (json!({"id": "x", "text": "a", "format": "xml"}), Code::BadRequest, "`format`"),
            (json!({"id": "x", "text": "a", "tier": "large"}), Code::BadRequest, "`tier`"),
            (json!({"id": "x", "text": "a", "lang": "english language"}), Code::BadRequest, "`lang`"),
        ] {
            let refusal = parse(payload.to_string().as_bytes(), None).unwrap_err();
            assert_eq!((refusal.code, refusal.id), (code, Identifier::parse("x")), "{payload}");
            assert!(refusal.message.contains(word), "{payload}: {}", refusal.message);
        }
    }

    #[test]
    fn an_unusable_id_is_no_topic() {
        for (id, code) in [
            (json!("a/b"), Code::BadRequest),
            (json!("+"), Code::BadRequest),
            (json!(""), Code::BadRequest),
            (json!("é"), Code::BadRequest),
            (json!(7), Code::BadRequest),
            (json!("a".repeat(65)), Code::TooLong),
        ] {
            let refusal = parse(json!({"text": "hi", "id": id}).to_string().as_bytes(), None).unwrap_err();
            assert_eq!((refusal.id, refusal.code), (None, code), "{id}");
        }
    }

    #[test]
    fn hostile_payloads_are_refused() {
        assert_eq!(refusal(b"\xff\xfe").0, Code::BadRequest);
        assert_eq!(refusal(b"").0, Code::BadRequest);
        assert_eq!(refusal(&vec![b'a'; MAX_PAYLOAD_BYTES + 1]).0, Code::TooLong);
        assert_eq!(refusal(&[b'a'; 2_001]).0, Code::TooLong);
        assert_eq!(refusal("{\"a\":".repeat(10_000).as_bytes()).0, Code::BadRequest);
        assert_eq!(refusal(br#"{"text":"\ud800"}"#).0, Code::BadRequest);
        assert_eq!(refusal(br#"{"text":"a","text":"b"}"#).0, Code::BadRequest);
        assert_eq!(refusal(b"{").0, Code::BadRequest);
        assert!(parse_object(r#"["a"]"#, None).is_err());
        assert_eq!(read(&"é".repeat(2_000)).text.chars().count(), 2_000);
    }

    #[test]
    fn what_is_not_spoken_is_taken_out() {
        for (said, normalised) in [
            ("  Turn  on\u{a0}the light! ", "Turn on the light"),
            ("\u{201c}Hello,\u{201d} she said\u{2026}", "Hello she said"),
            ("set it to 2.5, or 20,5?", "set it to 2.5 or 20,5"),
            ("what\u{2019}s on", "what's on"),
            ("turn on the A.C.", "turn on the A.C."),
            ("the T.V.!", "the T.V."),
            ("desk-lamp - on", "desk-lamp - on"),
            ("cafe\u{301}", "café"),
            ("e\u{200b}\u{301}", "é"),
            ("tu\u{200d}rn \u{202e}on\u{7}", "turn on"),
            ("¿Qué hora es?", "Qué hora es"),
            ("... ?!", ""),
        ] {
            assert_eq!(normalise(said), normalised, "{said:?}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "[aAcé.,!?:'\"\u{301}\u{338}\u{200b}\u{202e}\u{2019}\u{37e}\u{1100}\u{1161} \t\u{0}-]{0,24}|\\PC{0,40}") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once.as_str());
            prop_assert!(!once.starts_with(' ') && !once.ends_with(' ') && !once.contains("  "));
            prop_assert!(once.chars().all(|c| !c.is_control()));
        }

        #[test]
        fn any_bytes_are_read_or_refused(payload in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(utterance) = parse(&payload, None) {
                prop_assert!((1..=MAX_TEXT_CHARS).contains(&utterance.text.chars().count()));
            }
        }
    }
}
