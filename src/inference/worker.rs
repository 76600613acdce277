//! The child process that holds the models.
