//! What a commit says about itself.

use jiff::Timestamp;

/// The longest author and subject that are kept, in characters.
const TEXT_MAX: usize = 256;

/// The parts of a commit that people see.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Commit {
    /// The name of its author, or the address when there is no name.
    pub(super) author: String,
    /// The first line of its message.
    pub(super) subject: String,
    /// When it was committed (not when its author first wrote it).
    pub(super) at: Option<Timestamp>,
}

impl Commit {
    /// Reads the raw commit; what is missing or malformed stays empty, since it decides nothing.
    pub(super) fn parse(raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw);
        let (headers, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let header = |name: &str| headers.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        Self {
            author: person(header("author ")),
            subject: clean(message.trim_start().lines().next().unwrap_or_default()),
            at: instant(header("committer ")),
        }
    }
}

/// The name in `Ann Example <ann@example.org> 1763600000 +0100`.
fn person(line: &str) -> String {
    let (name, rest) = line.split_once('<').unwrap_or((line, ""));
    let address = rest.split('>').next().unwrap_or_default();
    clean(if name.trim().is_empty() { address } else { name })
}

fn instant(line: &str) -> Option<Timestamp> {
    let seconds = line.rsplit('>').next()?.split_whitespace().next()?;
    Timestamp::from_second(seconds.parse().ok()?).ok()
}

/// Whoever commits chooses this text, and it ends up on terminals.
fn clean(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(TEXT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor Ann Example <ann@example.org> 100 +0100\n\
                        committer Bob <bob@example.org> 1763600000 +0100\n";

    fn parse(text: &str) -> Commit {
        Commit::parse(text.as_bytes())
    }

    #[test]
    fn a_commit_is_read() {
        let commit = parse(&format!("{HEAD}gpgsig -----BEGIN\n author No <no> 1\n\nAdd nightly\n\nauthor No <no> 2\n"));
        assert_eq!(commit.author, "Ann Example");
        assert_eq!(commit.subject, "Add nightly");
        assert_eq!(commit.at, Some(Timestamp::from_second(1_763_600_000).unwrap()));
    }

    #[test]
    fn an_odd_commit_is_read_as_far_as_it_goes() {
        assert_eq!(parse(""), Commit { author: String::new(), subject: String::new(), at: None });
        assert_eq!(parse("author <a@b> 1 +0000\ncommitter x y\n\n").author, "a@b");
        assert_eq!(parse("committer B <b> 99999999999999999 +0000\n\n").at, None);
        assert_eq!(parse(&format!("{HEAD}\n\n\n  \x1b[31mred\x07 \n")).subject, "[31mred");
        assert_eq!(parse(&format!("{HEAD}\n{}", "ä".repeat(999))).subject.chars().count(), 256);
        assert_eq!(Commit::parse(b"author J\xf6rg <j@x> 1 +0000\n\nx").author, "J\u{fffd}rg");
    }
}
