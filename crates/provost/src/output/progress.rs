//! What goes on while somebody waits: one live line on a terminal, a plain line a change anywhere else.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::Text;
use crate::app::App;
use crate::exit::Failure;

/// What goes on while somebody waits.
pub struct Progress {
    live: Option<ProgressBar>,
}

impl Progress {
    /// A live line if stderr is a terminal.
    pub fn new(app: &App) -> Self {
        let live = app.output.is_live().then(|| {
            let style = ProgressStyle::with_template("{spinner:.cyan} {elapsed:>4} {wide_msg}");
            let bar = ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { live }
    }

    /// Tells what goes on now.
    pub fn say(&mut self, text: Text, app: &mut App) -> Result<(), Failure> {
        match &self.live {
            Some(bar) => {
                bar.set_message(text.plain());
                Ok(())
            }
            None => app.output.note(text),
        }
    }

    /// Takes the live line away.
    pub fn clear(&mut self) {
        if let Some(bar) = self.live.take() {
            bar.finish_and_clear();
        }
    }
}
