//! What a program in a container came to, and what that says of a service's health or as its answer: the same with every
//! engine.

use provost_controller::OutputStream;
use provost_model::CallError;
use serde_json::Value;

/// The most bytes of an answer.
pub const ANSWER_MAX: usize = 1 << 20;

/// How much of what a health check says is told, in characters; of each of its streams, so many bytes are read.
pub const WORDS_MAX: usize = 200;

/// How much of what a provider says is told, in characters.
const COMPLAINT_MAX: usize = 500;

/// An answer to a call.
pub type CallAnswer = Result<Value, CallError>;

/// An answer to a health check: good, or why not.
pub type Verdict = Result<(), String>;

/// What a program in a container came to. Of each stream, what is beyond a limit is left out.
#[derive(Debug, Default)]
pub struct Ran {
    /// Its exit code; absent where the engine does not know it.
    pub code: Option<i64>,
    /// What it said on its standard output.
    pub stdout: Vec<u8>,
    /// What it said on its standard error.
    pub stderr: Vec<u8>,
    /// Something was left out.
    pub is_cut: bool,
}

impl Ran {
    /// Takes what it said, at most `most` bytes of each stream.
    pub fn add(&mut self, stream: OutputStream, bytes: &[u8], most: usize) {
        let kept = if stream == OutputStream::Stderr { &mut self.stderr } else { &mut self.stdout };
        let left = most.saturating_sub(kept.len()).min(bytes.len());
        kept.extend_from_slice(&bytes[..left]);
        self.is_cut |= left < bytes.len();
    }

    /// What it says of a service's health.
    pub fn verdict(self) -> Verdict {
        let words = [self.stdout, self.stderr].concat();
        let words = String::from_utf8_lossy(&words).into_owned();
        let words = words.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let words: String = words.collect::<Vec<_>>().join(" ").chars().take(WORDS_MAX).collect();
        match self.code {
            Some(0) => Ok(()),
            Some(code) if words.is_empty() => Err(format!("exit {code}")),
            Some(code) => Err(format!("exit {code}: {words}")),
            None => Err("its end is not known".to_owned()),
        }
    }

    /// The answer of a program that was called with its data.
    pub fn answer(self) -> CallAnswer {
        match self.code {
            Some(0) if self.is_cut => Err(bad_result(&format!("it has more than {ANSWER_MAX} bytes"))),
            Some(0) => result(&self.stdout),
            code => {
                let code = code.map_or_else(|| "its end is not known".to_owned(), |code| format!("exit {code}"));
                let words = String::from_utf8_lossy(&self.stderr).into_owned();
                let last = words.trim_end().lines().next_back().map(plain).unwrap_or_default();
                let colon = if last.is_empty() { "" } else { ": " };
                Err(CallError::new("Failed", format!("{code}{colon}{last}")))
            }
        }
    }
}

/// An answer as JSON; nothing at all is null.
pub(crate) fn result(bytes: &[u8]) -> CallAnswer {
    if bytes.trim_ascii().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes).map_err(|error| bad_result(&error.to_string()))
}

fn bad_result(why: &str) -> CallError {
    CallError::new("BadResult", format!("the answer is no JSON value: {why}"))
}

pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(COMPLAINT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_program_says_is_its_answer() {
        let ran = |code, stdout: &str, stderr: &str| {
            Ran { code, stdout: stdout.into(), stderr: stderr.into(), is_cut: false }.answer()
        };
        assert_eq!(ran(Some(0), "[1, 2]\n", "computing\n"), Ok(json!([1, 2])));
        assert_eq!(ran(Some(0), "", ""), Ok(Value::Null));
        assert_eq!(ran(Some(0), "{", "").unwrap_err().kind, "BadResult");
        assert_eq!(ran(Some(3), "", "a\nno such currency\n").unwrap_err().message, "exit 3: no such currency");
        assert_eq!(ran(None, "", "").unwrap_err().message, "its end is not known");
    }
}
