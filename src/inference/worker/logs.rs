//! llama.cpp's own messages: to the log at debug level, whatever level llama.cpp gave them.
//!
//! llama-cpp-2 hands them to a tracing subscriber and drops them where there is none, so this is a very small one that
//! passes them on to `log`. It also keeps the first error, which says why a model could not be loaded.

#[cfg(feature = "llama")]
pub(super) mod relay;

/// The target that llama.cpp's messages are logged with.
pub const TARGET: &str = "llama.cpp";

/// Whether a record with this target comes from llama.cpp or the crate that wraps it.
#[must_use]
pub fn is_llama_target(target: &str) -> bool {
    [TARGET, "llama-cpp-2", "llama_cpp_2", "ggml"]
        .iter()
        .any(|ours| target.strip_prefix(ours).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")))
}

#[cfg(test)]
mod tests {
    use super::is_llama_target;

    #[test]
    fn targets_of_llama_are_told_from_others() {
        for ours in ["llama.cpp", "llama-cpp-2", "llama_cpp_2::model", "ggml"] {
            assert!(is_llama_target(ours), "{ours}");
        }
        for other in ["hearthd::inference", "llama.cpp2", "", "llamas"] {
            assert!(!is_llama_target(other), "{other}");
        }
    }
}
