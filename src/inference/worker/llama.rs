//! llama.cpp behind [`Model`]: one context a tier, one sequence a slot, the system prompt's state shared by all.
//!
//! Sequence 0 holds the system prompt, computed once; a slot's sequence begins as a copy of it, which in a unified cache
//! means that its cells are marked, not copied. A slot may hold what its last answer left, of which the scheduler says how
//! much stays. Nothing here decides what runs when.

mod aside;
mod choice;
mod draft;
mod padding;

use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Instant;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::{LlamaChatMessage, LlamaChatTemplate, LlamaModel};
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;

use self::aside::Aside;
use self::choice::Choice;
use self::padding::Padding;
use super::logs::relay;
use super::model::{Drafted, Model, Prepared, Refused, Sampled, Token, Work, checked};
use super::prompt::{Layout, Role, Vocabulary};
use super::states::StateFile;
use crate::inference::protocol::{Prompt, TierPlan, WorkerCode};

/// llama.cpp allows 256 sequences; more conversations than this are no use on one machine.
const MOST_SLOTS: u32 = 64;
/// Where system prompts' states are kept, under the state folder.
const STATES: &str = "prompt-states";
/// The sequence of the system prompt; a slot's is its number plus one.
const SHARED_SEQUENCE: i32 = 0;
/// A chat template that is none.
const PLAIN: &str = "plain";

/// Reads a model's file, which takes as long as the disk does.
pub(super) fn read(backend: &LlamaBackend, file: &Path, gpu_layers: u32) -> Result<LlamaModel, String> {
    // The CPU's kernels want most weights in another order, which is a copy: with the file mapped, both would be there. A
    // graphics card takes its copy from the mapped file.
    let params = LlamaModelParams::default().with_n_gpu_layers(gpu_layers).with_use_mmap(gpu_layers > 0);
    relay::take_first_error();
    LlamaModel::load_from_file(backend, file, &params).map_err(|_| {
        let why = relay::take_first_error().unwrap_or_else(|| "it gave no reason".to_owned());
        format!("llama.cpp cannot load {}: {why}", file.display())
    })
}

/// One tier over a model that another tier may share.
pub(super) struct LlamaTier<'model> {
    vocabulary: LlamaVocabulary<'model>,
    context: LlamaContext<'model>,
    layout: Layout,
    stops: Vec<String>,
    batch: LlamaBatch<'static>,
    step_tokens: usize,
    choices: Vec<Option<Choice>>,
    aside: Aside,
    /// Where a CPU computes.
    padding: Option<Padding>,
    /// Whether a part of a sequence can be copied and kept; a recurrent state can only be had whole.
    cuts: bool,
    /// Whether drafted tokens are checked here.
    speculates: bool,
    /// What is drafted for the other tier.
    draft: Option<draft::Sequence>,
}

impl<'model> LlamaTier<'model> {
    /// Makes a tier's context and computes the system prompt's state.
    ///
    /// `drafts_for` is the size of the conversations for which this tier may have to draft.
    pub(super) fn new(
        backend: &LlamaBackend,
        model: &'model LlamaModel,
        plan: &TierPlan,
        gpu_layers: u32,
        drafts_for: Option<u32>,
    ) -> Result<Self, String> {
        let vocabulary = LlamaVocabulary::new(model, plan.chat_template.as_deref());
        let ctx_size = plan.ctx_size.min(model.n_ctx_train());
        if ctx_size < plan.ctx_size {
            log::warn!(
                "{} was trained on {ctx_size} tokens, so its ctx_size is {ctx_size}, not {}",
                plan.name,
                plan.ctx_size
            );
        }
        let layout = Layout::new(&vocabulary, &plan.system_prompt, ctx_size);
        say_which_template(plan, layout.has_template())?;
        if !layout.leaves_room() {
            return Err(format!(
                "the system prompt takes {} tokens of a ctx_size of {ctx_size}; shorten the one or raise the other",
                layout.prefix().len()
            ));
        }
        let slots = plan.slots.clamp(1, MOST_SLOTS);
        let context = model
            .new_context(backend, context_params(plan, ctx_size, slots, layout.prefix().len(), drafts_for))
            .map_err(|error| {
                let why = relay::take_first_error().unwrap_or_else(|| error.to_string());
                format!("llama.cpp cannot make a context of {ctx_size} tokens for {slots} conversations: {why}")
            })?;
        let step_tokens = usize_of(context.n_ubatch().min(context.n_batch()));
        let mut tier = Self {
            vocabulary,
            context,
            stops: layout.stops(),
            layout,
            batch: LlamaBatch::new(step_tokens, 1),
            step_tokens,
            choices: (0..slots).map(|_| None).collect(),
            // A graphics card's memory is far, and its attention passes over what is not its own.
            aside: Aside::new(if gpu_layers == 0 { usize_of(slots) } else { 0 }),
            padding: (gpu_layers == 0).then(|| Padding::behind(slots, drafts_for.is_some())),
            cuts: !(model.is_recurrent() || model.is_hybrid()),
            speculates: false,
            draft: None,
        };
        tier.have_prefix(plan, ctx_size, gpu_layers)
            .map_err(|error| format!("llama.cpp cannot compute the system prompt: {}", error.message))?;
        tier.cuts &= tier.can_be_cut();
        tier.speculates = plan.speculation && tier.cuts;
        if tier.speculates && drafts_for.is_some() {
            tier.draft = Some(draft::Sequence::new(slots));
        }
        tier.say_what_is_kept(model, &plan.name);
        Ok(tier)
    }

    /// Reads the system prompt's state from where an earlier worker left it, or computes it and leaves it there.
    fn have_prefix(&mut self, plan: &TierPlan, ctx_size: u32, gpu_layers: u32) -> Result<(), Refused> {
        let settings = format!(
            "{ctx_size} {} {} {gpu_layers} {:?}",
            self.context.n_batch(),
            self.context.n_ubatch(),
            self.layout.prefix()
        );
        let folder = plan.state_dir.as_deref().filter(|_| !self.layout.prefix().is_empty());
        let file = folder.and_then(|folder| match StateFile::new(&folder.join(STATES), &plan.file, &settings) {
            Ok(file) => Some(file),
            Err(error) => {
                log::debug!("the state of {}'s system prompt has no place: {error}", plan.name);
                None
            }
        });
        let begun = Instant::now();
        if let Some(path) = file.as_ref().and_then(StateFile::whole) {
            if self.read_prefix(path) {
                log::debug!("the state of {}'s system prompt was read in {:?}", plan.name, begun.elapsed());
                return Ok(());
            }
            log::debug!("{} does not hold the state of {}'s system prompt", path.display(), plan.name);
        }
        self.compute_prefix()?;
        log::debug!("the state of {}'s system prompt was computed in {:?}", plan.name, begun.elapsed());
        let saved = file.map(|file| file.save(|path| self.write_prefix(path)));
        if let Some(Err(error)) = saved {
            log::debug!("the state of {}'s system prompt cannot be kept: {error}", plan.name);
        }
        Ok(())
    }

    /// Whether the file's state is the system prompt's and is in its place now.
    fn read_prefix(&mut self, file: &Path) -> bool {
        let prefix = self.layout.prefix();
        let read = self.context.state_seq_load_file(file, SHARED_SEQUENCE, prefix.len());
        let same = read.is_ok_and(|(tokens, _)| tokens.iter().map(|token| token.0).eq(prefix.iter().copied()));
        let whole = same && self.holds(SHARED_SEQUENCE) == prefix.len();
        if !whole {
            self.forget(SHARED_SEQUENCE);
        }
        whole
    }

    fn write_prefix(&self, file: &Path) -> io::Result<()> {
        let tokens: Vec<LlamaToken> = self.layout.prefix().iter().map(|token| LlamaToken(*token)).collect();
        self.context.state_seq_save_file(file, SHARED_SEQUENCE, &tokens).map(|_| ()).map_err(io::Error::other)
    }

    /// Tries whether a token can be taken off a sequence.
    fn can_be_cut(&mut self) -> bool {
        let sequence = sequence_of(0);
        let Some(last) = self.layout.prefix().len().checked_sub(1).filter(|last| *last > 0) else { return true };
        let cut = self.context.kv_cache_seq_cp(SHARED_SEQUENCE, sequence, None, None).is_ok()
            && self.keep(sequence, last)
            && self.holds(sequence) == last;
        self.forget(sequence);
        cut
    }

    fn say_what_is_kept(&self, model: &LlamaModel, name: &str) {
        if !self.cuts {
            log::info!(
                "the memory of {name} cannot be cut: a conversation goes on from its last answer, or from the system \
                 prompt where that is not possible"
            );
        } else if let Some(window) = sliding_window(model) {
            log::info!(
                "{name} looks back on {window} tokens in most of its layers; hearthd keeps the others too, since its \
                 memory could not be cut otherwise"
            );
        }
    }

    fn compute_prefix(&mut self) -> Result<(), Refused> {
        let prefix = self.layout.prefix().to_vec();
        for (number, piece) in prefix.chunks(self.step_tokens).enumerate() {
            self.batch.clear();
            for (place, token) in piece.iter().enumerate() {
                self.add(*token, number * self.step_tokens + place, SHARED_SEQUENCE, false)?;
            }
            self.context.decode(&mut self.batch).map_err(|error| internal(&error))?;
        }
        self.context.synchronize();
        Ok(())
    }

    fn add(&mut self, token: Token, position: usize, sequence: i32, sample: bool) -> Result<(), Refused> {
        let position = i32::try_from(position).map_err(|error| internal(&error))?;
        self.batch.add(LlamaToken(token), position, &[sequence], sample).map_err(|error| internal(&error))
    }

    fn forget(&mut self, sequence: i32) {
        // Removing a whole sequence cannot fail.
        if let Err(error) = self.context.kv_cache_seq_rm(sequence, None, None) {
            log::error!("llama.cpp did not remove a sequence: {error}");
        }
    }

    /// Cuts a sequence behind its first tokens; whether that was possible.
    fn keep(&mut self, sequence: i32, tokens: usize) -> bool {
        u32::try_from(tokens).is_ok_and(|tokens| self.context.kv_cache_seq_rm(sequence, Some(tokens), None).is_ok())
    }

    /// Makes a sequence begin as the system prompt's; returns how many of `tokens` it then holds.
    fn share_prefix(&mut self, sequence: i32, tokens: &[Token]) -> Result<usize, Refused> {
        self.forget(sequence);
        let prefix = self.layout.prefix();
        let shared = prefix.iter().zip(tokens).take_while(|(ours, theirs)| ours == theirs).count();
        // The last token is always computed, since what follows it is wanted.
        let shared = shared.min(tokens.len().saturating_sub(1));
        let end = if shared == prefix.len() {
            None
        } else if self.cuts && shared > 0 {
            u32::try_from(shared).ok()
        } else {
            return Ok(0);
        };
        self.context.kv_cache_seq_cp(SHARED_SEQUENCE, sequence, None, end).map_err(|error| internal(&error))?;
        Ok(shared)
    }

    /// Tokens of a sequence.
    fn holds(&self, sequence: i32) -> usize {
        usize::try_from(self.context.kv_cache_seq_pos_max(sequence) + 1).unwrap_or(0)
    }
}

impl Model for LlamaTier<'_> {
    fn prefix_tokens(&self) -> usize {
        self.layout.prefix().len()
    }

    fn slots(&self) -> usize {
        self.choices.len()
    }

    fn step_tokens(&self) -> usize {
        self.step_tokens
    }

    fn checks_drafts(&self) -> usize {
        if self.speculates { draft::SAME_UP_TO } else { 0 }
    }

    fn vocabulary(&self) -> Option<u64> {
        self.speculates.then(|| draft::fingerprint(&self.vocabulary))
    }

    fn unread(&self, tokens: &[Token]) -> usize {
        self.draft.as_ref().map_or(usize::MAX, |draft| draft.unread(tokens))
    }

    fn draft(&mut self, tokens: &[Token]) -> Result<Drafted, Refused> {
        self.draft_next(tokens)
    }

    fn forget_draft(&mut self) {
        self.end_draft();
    }

    fn stops(&self) -> &[String] {
        &self.stops
    }

    fn prepare(&self, prompt: &Prompt) -> Result<Prepared, Refused> {
        self.layout.prepare(&self.vocabulary, prompt)
    }

    fn after_answer(&self, held: usize) -> &[Token] {
        self.layout.after_answer(held)
    }

    fn cuts(&self) -> bool {
        self.cuts
    }

    fn open(&mut self, slot: usize, kept: usize, prepared: &Prepared, prompt: &Prompt) -> Result<usize, Refused> {
        let sequence = sequence_of(slot);
        self.bring_back(slot, kept > 0);
        let cached = if kept > 0 && self.keep(sequence, kept) && self.holds(sequence) == kept {
            kept
        } else {
            self.share_prefix(sequence, &prepared.tokens)?
        };
        if let Some(choice) = self.choices.get_mut(slot) {
            *choice = Some(Choice::new(&checked(&prompt.sampling), self.vocabulary.vocab.n_tokens()));
        }
        Ok(cached)
    }

    fn step(&mut self, works: &[Work<'_>]) -> Result<Vec<Sampled>, Refused> {
        self.batch.clear();
        let mut wanted = Vec::with_capacity(works.len());
        for work in works {
            if work.sample {
                let before = work.tokens.len().saturating_sub(1 + work.drafted);
                wanted.push((work, self.batch.n_tokens() + i32::try_from(before).map_err(|error| internal(&error))?));
            }
            for (place, token) in work.tokens.iter().enumerate() {
                let sample = work.sample && place + 1 + work.drafted >= work.tokens.len();
                self.add(*token, work.position + place, sequence_of(work.slot), sample)?;
            }
        }
        let padded = self.pad(works)?;
        let decoded = self.context.decode(&mut self.batch).map_err(|error| internal(&error));
        if let Some(sequence) = padded {
            self.forget(sequence);
        }
        decoded?;
        let mut tokens = Vec::with_capacity(wanted.len());
        for (work, output) in wanted {
            self.sample(*work, output, &mut tokens)?;
        }
        Ok(tokens)
    }

    fn read_on(&mut self, slot: usize, held: usize, tokens: &[Token]) -> Result<(), Refused> {
        self.bring_back(slot, true);
        if self.holds(sequence_of(slot)) != held {
            return Err(internal(&"a free slot does not hold what it kept"));
        }
        self.step(&[Work { slot, tokens, position: held, sample: false, drafted: 0 }])?;
        self.left(slot);
        Ok(())
    }

    fn tidy(&mut self) -> bool {
        self.put_one_aside()
    }

    fn piece(&self, _slot: usize, token: Token, bytes: &mut Vec<u8>) {
        bytes.reserve(32);
        self.vocabulary.vocab.token_to_piece_into(LlamaToken(token), bytes, false, None);
    }

    fn close(&mut self, slot: usize, keep: usize) -> usize {
        if let Some(choice) = self.choices.get_mut(slot) {
            *choice = None;
        }
        let sequence = sequence_of(slot);
        self.bring_back(slot, false);
        if keep > 0 && self.keep(sequence, keep) && self.holds(sequence) == keep {
            self.left(slot);
            return keep;
        }
        self.forget(sequence);
        0
    }
}

/// Says where prompts are not written as their model was trained for.
fn say_which_template(plan: &TierPlan, works: bool) -> Result<(), String> {
    match plan.chat_template.as_deref() {
        Some(PLAIN) => {}
        Some(name) if !works => {
            return Err(format!(
                "llama.cpp has no chat template `{name}`; name one that it has (chatml, llama3, gemma), or `{PLAIN}`, or leave \
                 chat_template out for what the file says"
            ));
        }
        None if !works => log::warn!(
            "{} has no chat template that llama.cpp knows, so its prompts are plain text; chat_template names another",
            plan.name
        ),
        _ => {}
    }
    Ok(())
}

/// Tokens that a model's sliding window spans, if it has one.
fn sliding_window(model: &LlamaModel) -> Option<u32> {
    let architecture = model.meta_val_str("general.architecture").ok()?;
    let window = model.meta_val_str(&format!("{architecture}.attention.sliding_window")).ok()?;
    window.parse().ok().filter(|window| *window > 0)
}

fn context_params(
    plan: &TierPlan,
    ctx_size: u32,
    slots: u32,
    prefix: usize,
    drafts_for: Option<u32>,
) -> LlamaContextParams {
    // With a unified cache n_ctx counts the cells of all sequences together; the system prompt's are there once.
    let cells = ctx_size.saturating_mul(slots).saturating_add(u32::try_from(prefix).unwrap_or(u32::MAX));
    let cells = cells.saturating_add(drafts_for.unwrap_or(0)).saturating_add(padding::CELLS);
    let threads =
        plan.threads.map_or_else(available_threads, |threads| i32::try_from(threads).unwrap_or(i32::MAX)).max(1);
    let n_batch = plan.n_batch.max(slots);
    LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(cells))
        .with_n_batch(n_batch)
        .with_n_ubatch(plan.n_ubatch.clamp(slots, n_batch))
        .with_n_seq_max(slots + 2 + u32::from(drafts_for.is_some()))
        .with_kv_unified(true)
        // A sliding window's memory holds what is in the window alone if it may, and could not be cut then.
        .with_swa_full(true)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
}

fn available_threads() -> i32 {
    std::thread::available_parallelism().ok().and_then(|count| i32::try_from(count.get()).ok()).unwrap_or(1)
}

fn sequence_of(slot: usize) -> i32 {
    i32::try_from(slot).map_or(i32::MAX, |slot| slot.saturating_add(1))
}

fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn internal(error: &impl ToString) -> Refused {
    Refused { code: WorkerCode::Internal, message: format!("llama.cpp failed: {}", error.to_string()) }
}

/// A model's vocabulary and chat template.
struct LlamaVocabulary<'model> {
    model: &'model LlamaModel,
    vocab: LlamaVocab<'model>,
    template: Option<LlamaChatTemplate>,
}

impl<'model> LlamaVocabulary<'model> {
    fn new(model: &'model LlamaModel, template: Option<&str>) -> Self {
        let template = match template {
            None => model.chat_template(None).ok(),
            Some(PLAIN) => None,
            Some(name) => LlamaChatTemplate::new(name).ok(),
        };
        Self { model, vocab: model.vocab(), template }
    }

    /// Whether a token ends the answer. A model that begins another message in place of ending its own is at its end too.
    fn ends(&self, token: LlamaToken) -> bool {
        self.vocab.is_eog(token) || (token == self.vocab.bos() && self.vocab.is_control(token))
    }
}

impl Vocabulary for LlamaVocabulary<'_> {
    fn render(&self, messages: &[(Role, String)]) -> Option<String> {
        let messages: Result<Vec<_>, _> =
            messages.iter().map(|(role, content)| LlamaChatMessage::new((*role).to_owned(), content.clone())).collect();
        self.model.apply_chat_template(self.template.as_ref()?, &messages.ok()?, true).ok()
    }

    fn tokenise(&self, text: &str, control: bool) -> Vec<Token> {
        self.vocab.tokenize(text.as_bytes(), false, control).into_iter().map(|token| token.0).collect()
    }

    fn beginning(&self) -> Option<Token> {
        self.vocab.should_add_bos().then(|| self.vocab.bos().0).filter(|token| *token >= 0)
    }
}
