//! What is remembered of each person at each site for a while, bounded.

use std::collections::HashMap;
use std::time::Instant;

use crate::core::utterance::{Identifier, Utterance};

/// People and sites of which something is remembered; what ends first is forgotten first.
const MOST: usize = 256;

/// A person at a site.
type Who = (Identifier, Option<Identifier>);

/// One thing for each person at each site, until its time is over.
#[derive(Debug)]
pub(super) struct PerPerson<T> {
    kept: HashMap<Who, (T, Instant)>,
}

impl<T> Default for PerPerson<T> {
    fn default() -> Self {
        Self { kept: HashMap::new() }
    }
}

impl<T> PerPerson<T> {
    /// Remembers it of whoever said this.
    pub(super) fn put(&mut self, utterance: &Utterance, what: T, until: Instant, now: Instant) {
        self.kept.retain(|_, (_, until)| *until > now);
        if self.kept.len() >= MOST
            && let Some(oldest) = self.kept.iter().min_by_key(|(_, (_, until))| *until).map(|(who, _)| who.clone())
        {
            self.kept.remove(&oldest);
        }
        self.kept.insert(who(utterance), (what, until));
    }

    /// What is remembered of whoever said this.
    pub(super) fn get(&self, utterance: &Utterance, now: Instant) -> Option<&T> {
        self.kept.get(&who(utterance)).filter(|(_, until)| *until > now).map(|(what, _)| what)
    }

    /// Takes what is remembered of whoever said this, with its end.
    pub(super) fn take(&mut self, utterance: &Utterance, now: Instant) -> Option<(T, Instant)> {
        self.kept.remove(&who(utterance)).filter(|(_, until)| *until > now)
    }
}

fn who(utterance: &Utterance) -> Who {
    (utterance.user_id.clone(), utterance.site_id.clone())
}
