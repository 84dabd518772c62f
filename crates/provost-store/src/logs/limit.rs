//! The limit on the output of a step (R8).

use crate::logs::lines::{Piece, boundary_before};

/// How much of a step's text is kept, and how much was not. A line's end counts as one byte, so that empty lines are
/// bounded too.
#[derive(Debug)]
pub(crate) struct Limit {
    bytes: u64,
    kept: u64,
    is_reached: bool,
    omitted_lines: u64,
    omitted_bytes: u64,
}

impl Limit {
    /// Keeps `bytes` at most.
    pub fn new(bytes: u64) -> Self {
        Self { bytes, kept: 0, is_reached: false, omitted_lines: 0, omitted_bytes: 0 }
    }

    /// Returns what is kept of `piece`, and a line that says that the limit is reached, where it is.
    pub fn admit<'a>(&mut self, piece: Piece<'a>) -> (Option<&'a str>, Option<String>) {
        let text = piece.text;
        if self.is_reached {
            self.omitted_lines += u64::from(!piece.continued);
            self.omitted_bytes += text.len() as u64;
            return (None, None);
        }
        let room = self.bytes - self.kept;
        let needed = text.len() as u64 + 1;
        if needed <= room {
            self.kept += needed;
            return (Some(text), None);
        }
        let part = &text[..boundary_before(text, usize::try_from(room).unwrap_or(usize::MAX))];
        self.is_reached = true;
        self.omitted_bytes += (text.len() - part.len()) as u64;
        let notice = format!("provost: output limit of {} reached; the rest is not kept", size(self.bytes));
        (Some(part).filter(|part| !part.is_empty()), Some(notice))
    }

    /// Returns a line that says how much was not kept, if anything was not.
    pub fn account(&self) -> Option<String> {
        let Self { omitted_lines: lines, omitted_bytes: bytes, .. } = self;
        self.is_reached.then(|| format!("provost: {} and {lines} more lines were not kept", size(*bytes)))
    }
}

/// `bytes` for people: `50 MiB`, `1.5 KiB`, `12 bytes`.
fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(unit);
            match (tenths / 10, tenths % 10) {
                (whole, 0) => format!("{whole} {name}"),
                (whole, tenth) => format!("{whole}.{tenth} {name}"),
            }
        }
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Piece<'_> {
        Piece { text, continued: false }
    }

    #[test]
    fn what_fits_is_kept_and_the_limit_is_said_once() {
        let mut limit = Limit::new(10);
        assert_eq!(limit.admit(line("1234")), (Some("1234"), None));
        let (part, notice) = limit.admit(line("äääää"));
        assert_eq!(part, Some("ää"));
        assert_eq!(notice.unwrap(), "provost: output limit of 10 bytes reached; the rest is not kept");
        assert_eq!(limit.admit(line("more")), (None, None));
        assert_eq!(limit.admit(line("")), (None, None));
        assert_eq!(limit.account().unwrap(), "provost: 10 bytes and 2 more lines were not kept");
    }

    #[test]
    fn empty_lines_count() {
        let mut limit = Limit::new(2);
        assert_eq!(limit.admit(line("")), (Some(""), None));
        assert_eq!(limit.admit(line("")), (Some(""), None));
        assert!(limit.admit(line("")).1.is_some());
        assert_eq!(Limit::new(2).account(), None);
    }

    #[test]
    fn sizes_are_said_in_round_units() {
        let sizes = [0, 1023, 1024, 1536, 50 << 20, 3 << 30];
        assert_eq!(sizes.map(size), ["0 bytes", "1023 bytes", "1 KiB", "1.5 KiB", "50 MiB", "3 GiB"]);
    }
}
