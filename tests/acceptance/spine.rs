//! The way of a commit: planned, applied, refused, rolled back.
