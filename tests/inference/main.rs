//! The model worker as the daemon sees it: real processes and a real GGUF, the fake model where the surroundings are meant.

#[cfg(test)]
mod cancel;
#[cfg(test)]
mod drafts;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod files;
#[cfg(test)]
mod memory;
#[cfg(test)]
#[path = "../support/model_server.rs"]
mod model_server;
#[cfg(test)]
mod prompts;
#[cfg(test)]
mod real;
#[cfg(test)]
mod remote;
#[cfg(test)]
mod reuse;
#[cfg(test)]
mod support;
