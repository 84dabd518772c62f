//! `provost-notify`: tells a webhook what happened. Its arguments are in the README beside it.

mod message;
mod post;

use std::time::Duration;

use provost_hook::{Event, HOME, Problem, Words, program, say};

use message::message;
use post::Post;

const USAGE: &str = "[--url URL] [--text TEXT] [--header NAME=VALUE]… [--timeout SECONDS] [--tries N]";

fn main() -> std::process::ExitCode {
    program("provost-notify", USAGE, notify)
}

fn notify(words: Words) -> Result<(), Problem> {
    let options = Options::read(words)?;
    let event = Event::read(HOME)?.unwrap_or_default();
    let status = options.post.send(&message(&event, options.text.as_deref()))?;
    say(&format!("told {}: {status}", options.post.place()))
}

/// What the arguments say.
#[derive(Debug)]
struct Options {
    post: Post,
    text: Option<String>,
}

impl Options {
    fn read(mut words: Words) -> Result<Self, Problem> {
        let mut url = std::env::var("NOTIFY_URL").ok();
        let mut post = Post { url: String::new(), headers: Vec::new(), timeout: Duration::from_secs(10), tries: 3 };
        let mut text = None;
        while let Some(option) = words.next() {
            match option.as_str() {
                "--url" => url = Some(words.text("URL")?),
                "--text" => text = Some(words.text("TEXT")?),
                "--header" => post.headers.push(header(&words.text("NAME=VALUE")?, &words)?),
                "--timeout" => post.timeout = words.seconds("SECONDS")?,
                "--tries" => post.tries = words.number::<std::num::NonZeroU8>("N")?.get(),
                other => return Err(words.unknown(other)),
            }
        }
        post.url = url.ok_or_else(|| words.wrong("no address: give --url, or set NOTIFY_URL"))?;
        Ok(Self { post, text })
    }
}

fn header(text: &str, words: &Words) -> Result<(String, String), Problem> {
    let (name, value) = text.split_once('=').ok_or_else(|| words.wrong(&format!("`{text}` is not NAME=VALUE")))?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    fn options(line: &[&str]) -> Result<Options, Problem> {
        Options::read(Words::new("provost-notify", USAGE, line.iter().map(|word| (*word).to_owned())))
    }

    #[test]
    fn options_are_read() {
        let line =
            ["--url", "http://a/", "--text", "hello", "--header", "X-Key=a=b", "--timeout", "0.5", "--tries", "1"];
        let Options { post, text } = options(&line).unwrap();
        assert_eq!((post.url.as_str(), text.as_deref(), post.tries), ("http://a/", Some("hello"), 1));
        assert_eq!(post.headers, [("X-Key".to_owned(), "a=b".to_owned())]);
        assert_eq!(post.timeout, Duration::from_millis(500));
    }

    #[test]
    fn mistakes_are_usage_errors() {
        for line in
            [&[][..], &["--url"], &["--url", "u", "--header", "x"], &["--url", "u", "--tries", "0"], &["--uri", "u"]]
        {
            let problem = options(line).unwrap_err();
            assert_eq!(problem.code, 2, "{line:?}: {}", problem.message);
        }
    }
}
