//! Lifecycle hooks of the server and of runs.
