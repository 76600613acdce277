//! Where each value of a YAML text stands, from the parser's events, and the checks that keep parsing cheap.
//!
//! It keeps positions and keys only; the values themselves are serde's work. Aliases are leaves here: what an alias stands
//! for has the alias's own position.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, Tag};

use super::{MAX_DEPTH, MAX_NODES, Place, nearest};

/// One value's position and what is inside it.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: Place,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Leaf,
    List(Vec<Node>),
    Map { entries: Vec<Entry>, removed: Vec<String> },
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_at: Place,
    pub(super) node: Node,
}

/// What the events tell about a text.
pub(super) struct Outline {
    pub(super) root: Node,
    /// Keys that a mapping has twice, where the second one stands.
    pub(super) duplicates: Vec<(Place, String)>,
}

impl Node {
    /// Where a file begins, for files whose values have no places.
    pub(super) fn start() -> Self {
        Self { at: Place::START, kind: Kind::Leaf }
    }

    fn empty_map(at: Place) -> Self {
        Self { at, kind: Kind::Map { entries: Vec::new(), removed: Vec::new() } }
    }

    fn child(&self, step: &str) -> Option<(Place, &Self)> {
        match &self.kind {
            Kind::Leaf => None,
            Kind::List(items) => {
                step.parse().ok().and_then(|index: usize| items.get(index)).map(|node| (node.at, node))
            }
            Kind::Map { entries, .. } => {
                entries.iter().find(|entry| entry.key == step).map(|entry| (entry.key_at, &entry.node))
            }
        }
    }

    /// Where the value at `path` stands, or the deepest one above it that is there.
    pub(super) fn place(&self, path: &[&str]) -> Place {
        let (mut node, mut at) = (self, self.at);
        for step in path {
            let Some((child_at, child)) = node.child(step) else { break };
            // A mapping begins where its first key stands: the key that names it says more.
            at = if matches!(child.kind, Kind::Leaf) { child.at } else { child_at };
            node = child;
        }
        at
    }

    /// Where the key at the end of `path` stands, or the deepest value above it.
    pub(super) fn key_place(&self, path: &[&str]) -> Place {
        let Some((last, above)) = path.split_last() else { return self.at };
        self.descend(above).and_then(|node| node.child(last)).map_or_else(|| self.place(path), |(at, _)| at)
    }

    fn descend(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, step| node.child(step).map(|(_, child)| child))
    }

    /// Takes the value at `path` out and remembers its key, so that nobody misses it later.
    pub(super) fn remove(&mut self, path: &[&str]) {
        let Some((last, above)) = path.split_last() else { return };
        let mut node = self;
        for step in above {
            let child = match &mut node.kind {
                Kind::Leaf => None,
                Kind::List(items) => step.parse().ok().and_then(|index: usize| items.get_mut(index)),
                Kind::Map { entries, .. } => {
                    entries.iter_mut().find(|entry| entry.key == *step).map(|entry| &mut entry.node)
                }
            };
            let Some(child) = child else { return };
            node = child;
        }
        match &mut node.kind {
            Kind::Leaf => {}
            Kind::List(items) => {
                if let Some(index) = last.parse().ok().filter(|&index: &usize| index < items.len()) {
                    items.remove(index);
                }
            }
            Kind::Map { entries, removed } => {
                entries.retain(|entry| entry.key != *last);
                removed.push((*last).to_owned());
            }
        }
    }

    /// Whether the mapping at `path` had `key`, or what was meant to be it, until [`Self::remove`] took it out.
    pub(super) fn was_removed(&self, path: &[&str], key: &str) -> bool {
        self.descend(path)
            .is_some_and(|node| matches!(&node.kind, Kind::Map { removed, .. } if removed.iter().any(|gone| nearest(gone, [key]).is_some())))
    }
}

/// A list or mapping whose end has not come yet.
struct Open {
    node: Node,
    key: Option<(String, Place)>,
    keys: HashSet<String>,
    anchor: usize,
    nodes_before: usize,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    duplicates: Vec<(Place, String)>,
    /// How many values each finished anchor stands for.
    anchors: HashMap<usize, usize>,
    nodes: usize,
    documents: usize,
}

/// Reads the outline of a text.
///
/// # Errors
/// What keeps it from being read, and where.
pub(super) fn outline(text: &str) -> Result<Outline, (Place, String)> {
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| (place(*error.marker()), error.info().to_owned()))?;
        let at = place(span.start);
        if matches!(event, Event::StreamEnd) {
            break;
        }
        builder.take(event, at).map_err(|message| (at, message))?;
    }
    let root = match builder.root {
        Some(root) => root,
        None => Node::empty_map(Place::START),
    };
    Ok(Outline { root, duplicates: builder.duplicates })
}

fn place(marker: Marker) -> Place {
    Place { line: marker.line().max(1), column: marker.col() + 1 }
}

impl Builder {
    fn take(&mut self, event: Event<'_>, at: Place) -> Result<(), String> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err("a second document begins here; write one document a file".to_owned());
                }
            }
            Event::Alias(anchor) => {
                let Some(nodes) = self.anchors.get(&anchor) else {
                    return Err("this alias stands inside what it names".to_owned());
                };
                self.count(*nodes)?;
                self.place_node(Node { at, kind: Kind::Leaf }, None)?;
            }
            Event::Scalar(text, _, anchor, tag) => {
                refuse_tag(tag.as_deref())?;
                self.count(1)?;
                self.anchors.insert(anchor, 1);
                self.place_node(Node { at, kind: Kind::Leaf }, Some(&text))?;
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_tag(tag.as_deref())?;
                self.begin(Node { at, kind: Kind::List(Vec::new()) }, anchor)?;
            }
            Event::MappingStart(anchor, tag) => {
                refuse_tag(tag.as_deref())?;
                self.begin(Node::empty_map(at), anchor)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.anchors.insert(open.anchor, self.nodes - open.nodes_before);
                    self.place_node(open.node, None)?;
                }
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn count(&mut self, nodes: usize) -> Result<(), String> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(format!("the file has more than {MAX_NODES} values, aliases written out"));
        }
        Ok(())
    }

    fn begin(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} lists and mappings stand inside each other"));
        }
        if self.open.last().is_some_and(|open| open.key.is_none() && matches!(open.node.kind, Kind::Map { .. })) {
            return Err("a key must be plain text, not a list or a mapping".to_owned());
        }
        let nodes_before = self.nodes;
        self.count(1)?;
        self.open.push(Open { node, key: None, keys: HashSet::new(), anchor, nodes_before });
        Ok(())
    }

    fn place_node(&mut self, node: Node, text: Option<&str>) -> Result<(), String> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.node.kind {
            Kind::Leaf => {}
            Kind::List(items) => items.push(node),
            Kind::Map { entries, .. } => {
                if let Some((key, key_at)) = open.key.take() {
                    entries.push(Entry { key, key_at, node });
                } else {
                    let key = text.ok_or("a key must be plain text, not an alias")?;
                    if !open.keys.insert(key.to_owned()) {
                        self.duplicates.push((node.at, key.to_owned()));
                    }
                    open.key = Some((key.to_owned(), node.at));
                }
            }
        }
        Ok(())
    }
}

fn refuse_tag(tag: Option<&Tag>) -> Result<(), String> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema() => Err(format!("the tag `{tag}` means nothing here")),
        _ => Ok(()),
    }
}
