//! The models: a child process that holds them, the frames on its socket, the scheduler over llama.cpp, or a server.
//!
//! The daemon half ([`supervisor`]) starts the child, watches it, ends it when it hangs and starts it again; the child half
//! ([`worker`]) loads the models and makes text. llama.cpp is never called in the daemon's own process, since it aborts on
//! its own errors. Where the config says so, a server elsewhere answers for a tier ([`remote`]). Prompts come in from the
//! engine, pieces of text go back to it; nothing here knows of topics or rules.

pub mod frames;
pub mod protocol;
pub mod remote;
pub mod supervisor;
pub mod worker;
