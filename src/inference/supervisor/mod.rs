//! Starts the model worker, watches it, ends it when it hangs and starts it again.
