//! Errors of libraries, in words.

use std::error::Error;

/// An error with its sources: many say nothing without them. What is said already is not said again.
pub fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let part = source.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        next = source.source();
    }
    text
}
