//! The model worker as the daemon sees it: real processes and a real GGUF, the fake model where the surroundings are meant.

mod faults;
mod files;
mod real;
mod support;
