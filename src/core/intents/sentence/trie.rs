//! Folded texts with what they stand for, found from a place of an utterance in one walk.

/// A trie over the bytes of folded texts.
#[derive(Clone, Debug)]
pub(crate) struct Trie<V> {
    nodes: Vec<Node<V>>,
}

#[derive(Clone, Debug)]
struct Node<V> {
    /// Sorted by byte.
    children: Vec<(u8, u32)>,
    values: Vec<V>,
}

impl<V> Default for Node<V> {
    fn default() -> Self {
        Self { children: Vec::new(), values: Vec::new() }
    }
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

/// A node of a trie, for walks that branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

impl<V> Trie<V> {
    /// Adds a value under a text; several may stand under one.
    pub(crate) fn insert(&mut self, text: &str, value: V) {
        let mut at = 0;
        for &byte in text.as_bytes() {
            at = match self.nodes[at].children.binary_search_by_key(&byte, |child| child.0) {
                Ok(found) => index(self.nodes[at].children[found].1),
                Err(place) => {
                    let new = self.nodes.len();
                    self.nodes.push(Node::default());
                    self.nodes[at].children.insert(place, (byte, u32::try_from(new).unwrap_or(u32::MAX)));
                    new
                }
            };
        }
        self.nodes[at].values.push(value);
    }

    /// Calls `found` with the end and the value of each text that stands at `start`.
    pub(crate) fn find<'a>(&'a self, text: &[u8], start: usize, found: &mut dyn FnMut(usize, &'a V)) {
        let mut at = Place(0);
        for (offset, &byte) in text[start..].iter().enumerate() {
            let Some(next) = self.step(at, byte) else { return };
            at = next;
            for value in self.values(at) {
                found(start + offset + 1, value);
            }
        }
    }

    pub(crate) fn root() -> Place {
        Place(0)
    }

    pub(crate) fn step(&self, at: Place, byte: u8) -> Option<Place> {
        let children = &self.nodes[index(at.0)].children;
        let found = if children.len() <= 8 {
            children.iter().position(|child| child.0 == byte)?
        } else {
            children.binary_search_by_key(&byte, |child| child.0).ok()?
        };
        Some(Place(children[found].1))
    }

    pub(crate) fn values(&self, at: Place) -> &[V] {
        &self.nodes[index(at.0)].values
    }

    pub(crate) fn children(&self, at: Place) -> impl Iterator<Item = (u8, Place)> + '_ {
        self.nodes[index(at.0)].children.iter().map(|&(byte, next)| (byte, Place(next)))
    }
}

/// A node's number as an index; there are never as many nodes as a `u32` counts.
fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_that_stands_there_is_found() {
        let mut trie = Trie::default();
        for (text, value) in [("lamp", 1), ("lamp left", 2), ("lamp", 3), ("änd", 4)] {
            trie.insert(text, value);
        }
        let all = |text: &str, start| {
            let mut all = Vec::new();
            trie.find(text.as_bytes(), start, &mut |end, value| all.push((end, *value)));
            all
        };
        assert_eq!(all("a lamp lefty", 2), [(6, 1), (6, 3), (11, 2)]);
        assert_eq!(all("änd", 0), [(4, 4)]);
        assert_eq!(all("la", 0), []);
    }
}
