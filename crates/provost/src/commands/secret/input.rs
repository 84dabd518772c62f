//! Where a value comes from.

use std::fs::File;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read, Write as _};
use std::path::PathBuf;

use provost_model::Name;
use provost_secret::{SecretValue, VALUE_BYTES_MAX};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::exit::Failure;

/// Where a value comes from.
#[derive(Debug, clap::Args)]
pub struct ValueArgs {
    /// Take the content of this file, as it is [default: standard input, or a question that does not show the answer]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl ValueArgs {
    /// Reads the value of `name`. Of what was typed or piped, the last line's end does not count.
    pub fn read(&self, name: &Name) -> Result<SecretValue, Failure> {
        if let Some(path) = &self.file {
            let unreadable = |error| Failure::not_found(format!("{} cannot be read: {error}", path.display()));
            return limited(File::open(path).map_err(unreadable)?).map_err(unreadable);
        }
        let value = if std::io::stdin().is_terminal() { ask(name) } else { limited(std::io::stdin().lock()) };
        let value = value.map_err(|error| Failure::no(format!("the value cannot be read: {error}")))?;
        let bytes = value.expose();
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Ok(SecretValue::new(bytes.strip_suffix(b"\r").unwrap_or(bytes).to_vec()))
    }
}

/// A byte more than is allowed, so that what is too long is refused and nobody reads it whole.
fn limited(from: impl Read) -> std::io::Result<SecretValue> {
    let most = VALUE_BYTES_MAX + 1;
    let mut bytes = Vec::with_capacity(most);
    from.take(most as u64).read_to_end(&mut bytes)?;
    Ok(SecretValue::new(bytes))
}

fn ask(name: &Name) -> std::io::Result<SecretValue> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let silence = Silence::of(terminal.try_clone()?)?;
    write!(terminal, "value of {name} (it is not shown): ")?;
    let mut line = Vec::with_capacity(VALUE_BYTES_MAX);
    BufReader::new(terminal.try_clone()?).read_until(b'\n', &mut line)?;
    drop(silence);
    writeln!(terminal)?;
    Ok(SecretValue::new(line))
}

/// A terminal that does not show what is typed, until it is dropped.
struct Silence {
    terminal: File,
    before: Termios,
}

impl Silence {
    fn of(terminal: File) -> std::io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before); // Nothing else can be done about it.
    }
}
