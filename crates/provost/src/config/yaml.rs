//! Reads a configuration file; what is wrong with it is told with file, line, the text and a caret.

use std::fmt::Write as _;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::exit::{Exit, Failure};

/// The largest configuration file, in bytes.
const BYTES_MAX: u64 = 256 * 1024;

/// Reads the file at `path`.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let place = path.display();
    let size = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
    if size > BYTES_MAX {
        return Err(Failure::usage(format!("{place} has {size} bytes; a configuration file has at most {BYTES_MAX}")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    parse(&text, &place.to_string())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let exit = if error.kind() == std::io::ErrorKind::NotFound { Exit::NotFound } else { Exit::Usage };
    Failure::new(exit, format!("{} cannot be read: {error}", path.display()))
}

/// Reads `text`, which is the file `place`.
pub fn parse<T: DeserializeOwned>(text: &str, place: &str) -> Result<T, Failure> {
    // An empty file is a configuration that says nothing.
    let text =
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) { "{}" } else { text };
    serde_yaml::from_str(text).map_err(|error| refused(text, place, &error))
}

fn refused(text: &str, place: &str, error: &serde_yaml::Error) -> Failure {
    let said = error.to_string();
    // The parser repeats the place at the end of its sentence.
    let what = said.split(" at line ").next().unwrap_or(&said);
    let mut message = what.to_owned();
    if let Some(location) = error.location() {
        let (line, column) = (location.line(), location.column());
        let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let caret = " ".repeat(column.saturating_sub(1));
        // Writing to a string cannot fail.
        let _ = write!(
            message,
            "\n{margin}--> {place}:{line}:{column}\n{margin} |\n{number} | {shown}\n{margin} | {caret}^"
        );
    } else {
        let _ = write!(message, "\n --> {place}");
    }
    let failure = Failure::usage(message);
    match suggestion(what) {
        Some(name) => failure.help(format!("did you mean `{name}`? provost explain server lists every key")),
        None => failure.help("provost explain server lists every key with its meaning"),
    }
}

/// The key that was meant, from the parser's "unknown field `x`, expected one of `a`, `b`".
fn suggestion(what: &str) -> Option<&str> {
    let (unknown, expected) = what.split_once("unknown field `")?.1.split_once('`')?;
    let known = expected.split('`').skip(1).step_by(2);
    closest(unknown, known)
}

/// The one of `known` that is most like `word`, if one is like it at all.
pub fn closest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.map(|name| (strsim::damerau_levenshtein(word, name), name));
    let limit = (word.chars().count() / 3).clamp(1, 3);
    scored.filter(|(distance, _)| *distance <= limit).min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(default)]
        state: String,
    }

    #[test]
    fn a_wrong_key_is_told_with_line_caret_and_what_was_meant() {
        let failure = parse::<Sample>("# mine\nstat: /srv\n", "server.yaml").unwrap_err();
        let expected = "unknown field `stat`, expected `state`\n --> server.yaml:2:1\n  |\n2 | stat: /srv\n  | ^";
        assert_eq!(failure.message, expected);
        assert_eq!(failure.help.unwrap(), "did you mean `state`? provost explain server lists every key");
        assert_eq!(failure.exit, Exit::Usage);
    }

    #[test]
    fn a_wrong_type_is_told_with_its_place() {
        let failure = parse::<Sample>("state: [1]\n", "server.yaml").unwrap_err();
        assert!(failure.message.contains("server.yaml:1:8"), "{}", failure.message);
    }

    #[test]
    fn an_empty_file_says_nothing() {
        assert_eq!(parse::<Sample>("# nothing\n\n", "x").unwrap().state, "");
    }
}
