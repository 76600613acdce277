//! The models: a child process that holds them, the frames on its socket, the scheduler over llama.cpp.
//!
//! The daemon half ([`supervisor`]) starts the child, watches it, ends it when it hangs and starts it again; the child half
//! ([`worker`]) loads the models and makes text. llama.cpp is never called in the daemon's own process, since it aborts on
//! its own errors. Prompts come in from the engine, pieces of text go back to it; nothing here knows of topics or rules.

pub mod frames;
pub mod protocol;
pub mod supervisor;
pub mod worker;
