//! Secrets in output.

use std::collections::BTreeMap;

use provost_controller::MASK;

use crate::logs::text::Cleaner;

/// The shortest line of a secret of several lines that is masked by itself, in bytes.
const LINE_MIN: usize = 8;

/// Replaces texts by `***`, also where they are cut by the pieces in which output comes.
///
/// Where several begin at one place, the longest counts. A secret of several lines is masked whole, and each of its
/// longer lines too. What may be the beginning of a secret is held back until it is known.
pub(crate) struct Masker {
    /// By the byte with which they begin; the longest first.
    secrets: BTreeMap<u8, Vec<String>>,
    /// The bytes with which they begin.
    starts: [bool; 256],
    held: String,
}

impl Masker {
    /// Masks `secrets`; empty ones count for nothing.
    pub fn new(secrets: &[String]) -> Self {
        let whole: Vec<String> =
            secrets.iter().map(|secret| as_shown(secret)).filter(|text| !text.is_empty()).collect();
        let of_several = whole.iter().filter(|secret| secret.contains('\n'));
        let lines = of_several.flat_map(|secret| secret.lines()).filter(|line| line.len() >= LINE_MIN);
        let mut all: Vec<String> = lines.map(str::to_owned).chain(whole.iter().cloned()).collect();
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        let mut masker = Self { secrets: BTreeMap::new(), starts: [false; 256], held: String::new() };
        for secret in all {
            let start = secret.as_bytes()[0];
            masker.starts[usize::from(start)] = true;
            masker.secrets.entry(start).or_default().push(secret);
        }
        masker
    }

    /// Adds `text`, masked, to `masked`.
    pub fn push(&mut self, text: &str, masked: &mut String) {
        if self.secrets.is_empty() {
            return masked.push_str(text);
        }
        self.held.push_str(text);
        let held = std::mem::take(&mut self.held);
        let rest = self.mask(&held, false, masked);
        rest.clone_into(&mut self.held);
    }

    /// Adds what was held back: nothing follows on it.
    pub fn end(&mut self, masked: &mut String) {
        let held = std::mem::take(&mut self.held);
        self.mask(&held, true, masked);
    }

    /// Masks `text` up to where a secret may begin that is not whole yet, and returns the rest.
    fn mask<'a>(&self, mut text: &'a str, is_end: bool, masked: &mut String) -> &'a str {
        while let Some(start) = self.first_start(text) {
            masked.push_str(&text[..start]);
            text = &text[start..];
            let secrets = self.secrets.get(&text.as_bytes()[0]).map_or(&[][..], Vec::as_slice);
            let is_unknown = |secret: &&String| !is_end && secret.len() > text.len() && secret.starts_with(text);
            let whole = secrets.iter().find(|secret| text.starts_with(secret.as_str()));
            let longest = whole.map_or(0, String::len);
            if secrets.iter().filter(is_unknown).any(|secret| secret.len() > longest) {
                return text;
            }
            let taken = match whole {
                Some(secret) => {
                    masked.push_str(MASK);
                    secret.len()
                }
                None => {
                    let first = text.chars().next().map_or(0, char::len_utf8);
                    masked.push_str(&text[..first]);
                    first
                }
            };
            text = &text[taken..];
        }
        masked.push_str(text);
        ""
    }

    /// Where in `text` the first byte is with which a secret begins. Such a byte begins a character.
    fn first_start(&self, text: &str) -> Option<usize> {
        text.bytes().position(|byte| self.starts[usize::from(byte)])
    }
}

/// `secret` as it would come out of a [`Cleaner`], which all output goes through first.
fn as_shown(secret: &str) -> String {
    let (mut cleaner, mut text) = (Cleaner::default(), String::new());
    cleaner.push(secret.as_bytes(), &mut text);
    cleaner.end(&mut text);
    text.trim_end_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(secrets: &[&str], pieces: &[&str]) -> String {
        let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        let (mut masker, mut masked) = (Masker::new(&secrets), String::new());
        pieces.iter().for_each(|piece| masker.push(piece, &mut masked));
        masker.end(&mut masked);
        masked
    }

    /// Whole, and cut at every character, `input` must become `expected`.
    fn check(secrets: &[&str], input: &str, expected: &str) {
        assert_eq!(mask(secrets, &[input]), expected);
        for (at, _) in input.char_indices() {
            let (a, b) = input.split_at(at);
            assert_eq!(mask(secrets, &[a, b]), expected, "cut at {at}");
        }
        let chars: Vec<String> = input.chars().map(String::from).collect();
        let chars: Vec<&str> = chars.iter().map(String::as_str).collect();
        assert_eq!(mask(secrets, &chars), expected, "one by one");
    }

    #[test]
    fn secrets_are_masked_wherever_they_are_cut() {
        check(&["hunter2"], "login hunter2, hunter2hunter2 hunter", "login ***, ****** hunter");
        check(&["hunter2"], "hunthunter2", "hunt***");
        check(&["pässwörd"], "ä pässwörd p", "ä *** p");
        check(&["aab"], "aaab", "a***");
    }

    #[test]
    fn the_longest_secret_counts() {
        check(&["abc", "abcdef"], "abcdef abcde", "*** ***de");
        check(&["abcdef", "bcd"], "abcdx", "a***x");
    }

    #[test]
    fn secrets_of_several_lines_are_masked_whole_and_by_line() {
        let key = "-----BEGIN KEY-----\r\nMIIBVgIBADANBg\nkq\n-----END KEY-----\n";
        check(&[key], "-----BEGIN KEY-----\nMIIBVgIBADANBg\nkq\n-----END KEY-----\nok kq", "***\nok kq");
        check(&[key], "only MIIBVgIBADANBg", "only ***");
    }

    #[test]
    fn nothing_is_masked_without_secrets() {
        check(&[], "as it is", "as it is");
        check(&["", "\n"], "as it is\n", "as it is\n");
    }

    #[test]
    fn a_line_that_is_no_secret_is_not_held_back() {
        let (mut masker, mut masked) = (Masker::new(&["hunter2".to_owned()]), String::new());
        masker.push("all is well\n", &mut masked);
        assert_eq!(masked, "all is well\n");
    }
}
