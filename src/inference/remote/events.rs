//! The stream of a chat completion: bytes to events, and what each says.
//!
//! Bounded: a line that does not end is an error, as is one that is not what a server of this kind sends. Reads no socket.

use serde::Deserialize;

use crate::core::reply::{Finish, Usage};

/// The longest line of a stream.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// Why a stream is of no more use.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadStream {
    /// Not what a chat completion is made of.
    #[error("it sends what is no chat completion")]
    Garbage,
    /// The server's own word for why it ends.
    #[error("it says: {0}")]
    Said(String),
}

/// What one event says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// A piece of the answer.
    pub text: String,
    /// Why the answer ended.
    pub finish: Option<Finish>,
    /// Its tokens.
    pub usage: Option<Usage>,
    /// Whether nothing more comes.
    pub done: bool,
}

/// Bytes of a stream that make no whole line yet.
#[derive(Debug, Default)]
pub(super) struct Events {
    bytes: Vec<u8>,
}

impl Events {
    /// Takes what was read and adds what the whole lines in it say, up to the one that is wrong.
    pub(super) fn push(&mut self, bytes: &[u8], said: &mut Vec<Said>) -> Result<(), BadStream> {
        self.bytes.extend_from_slice(bytes);
        let mut taken = 0;
        while let Some(length) = self.bytes[taken..].iter().position(|byte| *byte == b'\n') {
            said.extend(line(&self.bytes[taken..taken + length])?);
            taken += length + 1;
        }
        self.bytes.drain(..taken);
        if self.bytes.len() > MAX_LINE_BYTES { Err(BadStream::Garbage) } else { Ok(()) }
    }
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Counted>,
    error: Option<serde_json::Value>,
    object: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Counted {
    #[serde(default)]
    prompt_tokens: u32,
    #[serde(default)]
    completion_tokens: u32,
    prompt_tokens_details: Option<PromptTokens>,
}

#[derive(Deserialize)]
struct PromptTokens {
    cached_tokens: Option<u32>,
}

/// One line of a server-sent event stream; of those only data has a meaning here.
fn line(line: &[u8]) -> Result<Option<Said>, BadStream> {
    let line = std::str::from_utf8(line).map_err(|_| BadStream::Garbage)?.trim_end_matches('\r');
    if line.is_empty() || line.starts_with(':') {
        return Ok(None);
    }
    let data = match line.split_once(':') {
        // llama-server's way to say that it failed in the middle.
        Some(("error", error)) => {
            return Err(BadStream::Said(error_text(&serde_json::Value::String(error.to_owned()))));
        }
        Some(("data", data)) => data.strip_prefix(' ').unwrap_or(data),
        Some(("event" | "id" | "retry", _)) => return Ok(None),
        _ => return Err(BadStream::Garbage),
    };
    if data.trim() == "[DONE]" {
        return Ok(Some(Said { done: true, ..Said::default() }));
    }
    let chunk: Chunk = serde_json::from_str(data).map_err(|_| BadStream::Garbage)?;
    if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
        return Err(BadStream::Said(error_text(&error)));
    }
    if chunk.choices.is_empty() && chunk.usage.is_none() && chunk.object.is_none() {
        return Err(BadStream::Garbage);
    }
    let usage = chunk.usage.map(|tokens| Usage {
        prompt_tokens: tokens.prompt_tokens,
        cached_tokens: tokens.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0),
        completion_tokens: tokens.completion_tokens,
    });
    let choice = chunk.choices.into_iter().next();
    let (delta, finish) = choice.map_or((None, None), |choice| (choice.delta, choice.finish_reason));
    Ok(Some(Said {
        text: delta.and_then(|delta| delta.content).unwrap_or_default(),
        finish: finish.map(|reason| if reason == "length" { Finish::Length } else { Finish::Stop }),
        usage,
        done: false,
    }))
}

/// A server's error in one short line: `{"error": {"message": …}}` or what of that there is.
pub(super) fn error_text(error: &serde_json::Value) -> String {
    let message = ["/error/message", "/error", "/message", ""].iter().find_map(|path| error.pointer(path)?.as_str());
    let text = message.unwrap_or("something that is no error of this kind");
    text.chars().filter(|c| !c.is_control()).take(200).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n\
        : a comment\n\
        data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Grüß\"},\"finish_reason\":null}]}\r\n\r\n\
        data: {\"choices\":[{\"delta\":{\"content\":\" Gott\"}}]}\n\n\
        data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n\
        data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\n\
        data: [DONE]\n\n";

    fn read(pieces: &[&[u8]]) -> Vec<Said> {
        let mut events = Events::default();
        let mut said = Vec::new();
        for piece in pieces {
            events.push(piece, &mut said).unwrap();
        }
        said
    }

    fn push(bytes: &[u8]) -> Result<(), BadStream> {
        Events::default().push(bytes, &mut Vec::new())
    }

    #[test]
    fn a_stream_is_read_to_its_end() {
        let said = read(&[STREAM.as_bytes()]);
        assert_eq!(said.iter().map(|said| said.text.as_str()).collect::<String>(), "Grüß Gott");
        assert_eq!(said.iter().find_map(|said| said.finish), Some(Finish::Length));
        let usage = Usage { prompt_tokens: 9, cached_tokens: 4, completion_tokens: 2 };
        assert_eq!(said.iter().find_map(|said| said.usage), Some(usage));
        assert!(said.last().unwrap().done);
    }

    #[test]
    fn what_is_no_chat_completion_is_an_error() {
        for wrong in ["<html>\n", "data: {\n", "data: 7\n", "data: {}\n", "hello: world\n", "data: {\"choices\":3}\n"] {
            assert_eq!(push(wrong.as_bytes()), Err(BadStream::Garbage), "{wrong}");
        }
        assert_eq!(push(b"data: \xff\n"), Err(BadStream::Garbage));
        assert_eq!(push(&vec![b'x'; MAX_LINE_BYTES + 1]), Err(BadStream::Garbage));
        let said = "data: {\"error\":{\"message\":\"out of\\nmemory\"}}\n";
        assert_eq!(push(said.as_bytes()), Err(BadStream::Said("out ofmemory".to_owned())));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_come(cuts in prop::collection::vec(0..STREAM.len(), 0..12)) {
            let mut cuts = cuts;
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &STREAM.as_bytes()[pair[0]..pair[1]]).collect();
            prop_assert_eq!(read(&pieces), read(&[STREAM.as_bytes()]));
        }

        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = push(&bytes);
        }
    }
}
