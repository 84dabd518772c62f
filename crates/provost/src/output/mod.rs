//! All printing: data on stdout, everything else on stderr, colour only where it is wanted.

mod listing;
mod progress;
mod table;
mod text;
mod time;

use std::io::{self, IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;

pub use listing::{Cell, Listing, Row};
pub use progress::Progress;
pub use table::{Column, layout};
pub use text::{Text, Tone, printable};
pub use time::{Times, duration};

use crate::exit::Failure;

/// The format of what is printed. JSON is an interface and stays as it is; tables are for people and do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For people, with more columns.
    Wide,
    /// For programs; a stream is one object a line.
    Json,
    /// The same as JSON, for people who prefer it.
    Yaml,
    /// Names alone, one a line.
    Name,
    /// Comma-separated values with a head line.
    Csv,
}

impl Format {
    /// Whether it is read by people.
    pub fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal; `NO_COLOR`, `CLICOLOR_FORCE` and `TERM=dumb` are obeyed.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl From<Color> for ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// Where everything is printed.
pub struct Output {
    stdout: AutoStream<io::Stdout>,
    stderr: AutoStream<io::Stderr>,
    quiet: bool,
}

impl Output {
    /// The process's own streams. `quiet`: only data and errors are printed.
    pub fn new(color: Color, quiet: bool) -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        Self { stdout: AutoStream::new(stdout, color.into()), stderr: AutoStream::new(stderr, color.into()), quiet }
    }

    /// Prints a line of data.
    pub fn line(&mut self, text: impl Into<Text>) -> Result<(), Failure> {
        Ok(writeln!(self.stdout, "{}", text.into().ansi())?)
    }

    /// Prints lines of data.
    pub fn lines(&mut self, text: &str) -> Result<(), Failure> {
        text.lines().try_for_each(|line| self.line(line))
    }

    /// Prints what we have made ourselves, as it is: generated files, help, diagnostics in colour.
    pub fn raw(&mut self, text: &str) -> Result<(), Failure> {
        Ok(self.stdout.write_all(text.as_bytes())?)
    }

    /// Prints `value` as JSON, or as YAML.
    pub fn value(&mut self, value: &impl Serialize, format: Format) -> Result<(), Failure> {
        let text = match format {
            Format::Yaml => serde_yaml::to_string(value).map_err(Failure::no)?,
            _ => serde_json::to_string_pretty(value).map_err(Failure::no)? + "\n",
        };
        self.raw(&text)
    }

    /// Prints `value` as one line of JSON.
    pub fn json_line(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        self.raw(&(serde_json::to_string(value).map_err(Failure::no)? + "\n"))
    }

    /// Tells people something, on stderr: progress, or the next useful command. Silent with `--quiet`.
    pub fn note(&mut self, text: impl Into<Text>) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        Ok(writeln!(self.stderr, "{}", text.into().ansi())?)
    }

    /// Tells of a failure, on stderr, also with `--quiet`.
    pub fn failure(&mut self, failure: &Failure) {
        for (index, line) in failure.lines().into_iter().enumerate() {
            let head =
                if index == 0 && !failure.is_report { Text::toned(Tone::Bad, "error: ") } else { Text::default() };
            // Nobody reads stderr: there is nobody left to tell.
            let _ = writeln!(self.stderr, "{}", head.plus(line).ansi());
        }
    }

    /// Whether stderr is a terminal, and a live line may be drawn there.
    pub fn is_live(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Whether colour codes reach stdout.
    pub fn is_coloured(&self) -> bool {
        self.stdout.current_choice() != ColorChoice::Never
    }
}
