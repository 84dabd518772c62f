//! For whom secrets are sealed.

use std::fmt;
use std::str::FromStr;

/// The public half of a key: `age1…`. Whoever has the other half can open what is sealed for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(pub(crate) age::x25519::Recipient);

impl FromStr for Recipient {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let why = match text {
            text if text.starts_with("ssh-") => "keys of ssh cannot be used; make one with `age-keygen`",
            text if text.starts_with("AGE-SECRET-KEY-") => {
                "that is a private key, which belongs into no list; its public half is needed"
            }
            _ => "it is no public key of age, which begins with `age1`",
        };
        text.parse().map(Self).map_err(|_| why)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.0)
    }
}

/// A line of a list of recipients is not one. A private key in it is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct RecipientError {
    /// Which, from 1.
    pub line: usize,
    /// What is wrong, and the mend.
    pub why: &'static str,
}

/// Reads a list of recipients in age's own format: one in a line; empty lines and those with `#` in front count for
/// nothing. One that is there twice counts once.
pub fn parse_recipients(text: &str) -> Result<Vec<Recipient>, RecipientError> {
    let mut found = Vec::new();
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    for (line, text) in lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
        let recipient = text.parse().map_err(|why| RecipientError { line, why })?;
        if !found.contains(&recipient) {
            found.push(recipient);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;

    #[test]
    fn a_list_is_read_as_age_does() {
        let (a, b) = (Key::make().recipient(), Key::make().recipient());
        let text = format!("# servers\n\n  {a}\r\n{b}\n{a}\n");
        assert_eq!(parse_recipients(&text), Ok(vec![a, b]));
        assert_eq!(parse_recipients(""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_a_private_key_is_not_repeated() {
        let check = |text: &str, part: &str| {
            let error = parse_recipients(text).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("AAAA"), "{error}");
        };
        check("# x\nage1nonsense", "line 2: it is no public key");
        check("ssh-ed25519 AAAAC3Nz", "keys of ssh");
        check("AGE-SECRET-KEY-1AAAA", "private key");
    }
}
