//! SIGTERM and SIGINT: ending at once, and waiting for one.

use std::{
    io::{self, Read},
    os::unix::net::UnixStream,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag, low_level,
};

use crate::{Outcome, args::Args, failure::Failure, output};

/// The exit code of a program that SIGTERM ended, as shells count.
pub const TERMINATED: u8 = 128 + SIGTERM as u8;

/// Whether a command wants to see the signals itself.
pub fn handles_its_own(command: &str) -> bool {
    matches!(command, "mark" | "stubborn")
}

/// From now on SIGTERM and SIGINT end the program with 128 + signal, also when it is the first process of a container.
pub fn end_on_termination() -> Result<(), Failure> {
    for signal in [SIGTERM, SIGINT] {
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::new(AtomicBool::new(true)))
            .map_err(|error| no_handler(&error))?;
    }
    Ok(())
}

/// SIGTERMs that arrived and were not looked at yet.
pub struct Terminations(UnixStream);

impl Terminations {
    /// Starts to collect them instead of dying from them.
    pub fn collect() -> Result<Self, Failure> {
        let make = || {
            let (ours, handlers) = UnixStream::pair()?;
            low_level::pipe::register(SIGTERM, handlers)?;
            Ok(Self(ours))
        };
        make().map_err(|error| no_handler(&error))
    }

    /// Waits until one arrives or the time is over; says whether one arrived.
    pub fn wait(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            // A wait that cannot be limited would last for ever; a signal that is not seen is the smaller harm.
            if self.0.set_read_timeout(Some(left)).is_err() {
                std::thread::sleep(left);
                return false;
            }
            match self.0.read(&mut [0]) {
                Ok(_) => return true,
                Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
                Err(_) => std::thread::sleep(left),
            }
        }
    }
}

fn no_handler(error: &io::Error) -> Failure {
    Failure::work(format!("cannot install a signal handler: {error}"))
}

/// `sleep SECONDS`
pub fn sleep(mut args: Args) -> Outcome {
    let time = args.seconds("the time")?;
    args.end()?;
    std::thread::sleep(time);
    Ok(0)
}

/// `stubborn SECONDS`: says so each time it is asked to end.
pub fn stubborn(mut args: Args) -> Outcome {
    let until = Instant::now() + args.seconds("the time")?;
    args.end()?;
    let mut terminations = Terminations::collect()?;
    output::line("SIGTERM will be ignored")?;
    while terminations.wait(until.saturating_duration_since(Instant::now())) {
        output::line("SIGTERM ignored")?;
    }
    Ok(0)
}
