//! `provost-http-check`: asks a URL whether all is well. Its arguments are in the README beside it.

mod check;

use std::{num::NonZeroU8, path::Path, thread, time::Duration};

use provost_hook::{Answer, Event, HOME, Problem, Words, program, say};

use check::Check;

const USAGE: &str = "URL [--expect STATUS] [--contains TEXT] [--timeout SECONDS] [--tries N] [--pause SECONDS]";

fn main() -> std::process::ExitCode {
    program("provost-http-check", USAGE, |words| Options::read(words)?.run(Path::new(HOME)))
}

/// What the arguments say.
#[derive(Debug)]
struct Options {
    check: Check,
    tries: u8,
    pause: Duration,
}

impl Options {
    fn read(mut words: Words) -> Result<Self, Problem> {
        let mut url = None;
        let (mut expect, mut contains, mut timeout) = (None, None, Duration::from_secs(5));
        let (mut tries, mut pause) = (1, Duration::from_secs(1));
        while let Some(word) = words.next() {
            match word.as_str() {
                "--expect" => expect = Some(words.number("STATUS")?),
                "--contains" => contains = Some(words.text("TEXT")?),
                "--timeout" => timeout = words.seconds("SECONDS")?,
                "--tries" => tries = words.number::<NonZeroU8>("N")?.get(),
                "--pause" => pause = words.seconds("SECONDS")?,
                option if option.starts_with('-') => return Err(words.unknown(option)),
                _ if url.is_none() => url = Some(word),
                extra => return Err(words.wrong(&format!("`{extra}` is one too many"))),
            }
        }
        let url = url.ok_or_else(|| words.wrong("the URL is missing"))?;
        Ok(Self { check: Check { url, expect, contains, timeout }, tries, pause })
    }

    /// Checks, and answers: before a run by `reply.json`, elsewhere by the exit code.
    fn run(&self, home: &Path) -> Result<(), Problem> {
        let verdict = self.verdict();
        let is_asked = Event::read(home)?.is_some_and(|event| event.name() == "run.starting");
        say(verdict.as_ref().map_or_else(String::as_str, String::as_str))?;
        match verdict {
            Ok(_) if is_asked => Answer::allow().write(home),
            Err(reason) if is_asked => Answer::deny(reason).write(home),
            Ok(_) => Ok(()),
            Err(reason) => Err(Problem::work(reason)),
        }
    }

    fn verdict(&self) -> Result<String, String> {
        let mut verdict = self.check.run();
        for _ in 1..self.tries {
            if verdict.is_ok() {
                break;
            }
            thread::sleep(self.pause);
            verdict = self.check.run();
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::fs;

    use super::*;

    fn options(line: &[&str]) -> Result<Options, Problem> {
        Options::read(Words::new("provost-http-check", USAGE, line.iter().map(|word| (*word).to_owned())))
    }

    /// Runs the check in a home with this event; returns how it ended and the reply.
    fn run(url: &str, event: &str) -> (Result<(), String>, Option<String>) {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("out")).unwrap();
        fs::write(home.path().join("event.json"), format!(r#"{{"event": "{event}"}}"#)).unwrap();
        let ended = options(&[url]).unwrap().run(home.path()).map_err(|problem| problem.message);
        (ended, fs::read_to_string(home.path().join("out/reply.json")).ok())
    }

    #[test]
    fn before_a_run_it_answers_and_elsewhere_it_exits() {
        let url = check::tests::server(200, "fine", 2);
        assert_eq!(run(&url, "run.starting"), (Ok(()), Some(r#"{"allow":true}"#.to_owned())));
        assert_eq!(run(&url, "run.main"), (Ok(()), None));
        let url = check::tests::server(503, "", 2);
        let why = format!("{url} answers 503, expected 200 to 299");
        let reply = format!(r#"{{"allow":false,"reason":"{why}"}}"#);
        assert_eq!(run(&url, "run.starting"), (Ok(()), Some(reply)));
        assert_eq!(run(&url, "run.main"), (Err(why), None));
    }

    #[test]
    fn mistakes_are_usage_errors() {
        for line in [&[][..], &["u", "v"], &["u", "--tries", "0"], &["u", "--expect", "x"], &["u", "--nonsense"]] {
            let problem = options(line).unwrap_err();
            assert_eq!(problem.code, 2, "{line:?}: {}", problem.message);
        }
    }

    #[test]
    fn it_is_tried_as_often_as_is_said() {
        // The server answers twice and is gone: a third try would fail differently.
        let url = check::tests::server(500, "", 2);
        let options = options(&[&url, "--tries", "2", "--pause", "0"]).unwrap();
        assert_eq!(options.verdict().unwrap_err(), format!("{url} answers 500, expected 200 to 299"));
    }
}
