//! A shim's life after the container is made: it listens to the engine, writes output down, and waits for the end.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use libcontainer::container::Container;
use provost_controller::OutputStream;
use provost_engine::with_sources;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid};

use super::ShimError;
use super::create::Waiting;
use super::first::RUNS;
use super::groups::Groups;
use super::log::Log;
use super::network::Link;
use crate::place::Place;
use crate::record::{Answer, Ended, Made, Order};

/// How long the engine may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long output may come from somebody who has the container's pipes and is not of it.
const REST: Duration = Duration::from_secs(2);
const BUFFER: usize = 64 << 10;

/// A container and the files about it.
struct Shim<'a> {
    place: &'a Place,
    made: &'a Made,
    container: Container,
    groups: Groups,
    first: Pid,
    pidfd: OwnedFd,
    word: OwnedFd,
    socket: UnixListener,
    link: Link,
    log: Log,
    /// The streams that are open.
    streams: Vec<(OutputStream, OwnedFd)>,
    /// Those who wait for the end: their connections end with this process.
    listeners: Vec<UnixStream>,
}

/// Goes through the container's whole life.
pub(super) fn tend(place: &Place, made: &Made, waiting: Waiting) -> Result<(), ShimError> {
    let Waiting { container, groups, first, stdout, stderr, word, socket, link, _lock } = waiting;
    let pidfd = pidfd_open(first, PidfdFlags::empty()).map_err(ShimError::around("hold the container"))?;
    let log = Log::open(place, made.log_bytes).map_err(ShimError::around("open the log"))?;
    let streams = vec![(OutputStream::Stdout, stdout), (OutputStream::Stderr, stderr)];
    let listeners = Vec::new();
    let mut shim = Shim { place, made, container, groups, first, pidfd, word, socket, link, log, streams, listeners };
    shim.wait_for_end().map_err(ShimError::around("wait for the end of the container"))?;
    shim.read_rest().map_err(ShimError::around("read the rest of the output"))?;
    shim.write_end().map_err(ShimError::around("write the end of the container down"))
}

impl Shim<'_> {
    fn wait_for_end(&mut self) -> io::Result<()> {
        loop {
            let (is_over, is_called, readable) = self.wait(None)?;
            for stream in readable {
                self.read(stream);
            }
            if is_called {
                self.serve();
            }
            if is_over {
                return Ok(());
            }
        }
    }

    /// Takes what is left in the pipes. All that the container had of them is closed by its end.
    fn read_rest(&mut self) -> io::Result<()> {
        let until = Instant::now() + REST;
        while !self.streams.is_empty() && Instant::now() < until {
            let (_, _, readable) = self.wait(Some(REST))?;
            for stream in readable {
                self.read(stream);
            }
        }
        Ok(())
    }

    /// Waits until something happens: the end, a call, output. After the end, of nothing but output.
    fn wait(&self, limit: Option<Duration>) -> io::Result<(bool, bool, Vec<OutputStream>)> {
        let interest = if limit.is_some() { PollFlags::empty() } else { PollFlags::IN };
        let mut polled = vec![PollFd::new(&self.pidfd, interest), PollFd::new(&self.socket, interest)];
        polled.extend(self.streams.iter().map(|(_, pipe)| PollFd::new(pipe, PollFlags::IN)));
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        match poll(&mut polled, limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let happened: Vec<bool> = polled.iter().map(|fd| !fd.revents().is_empty()).collect();
        let streams = self.streams.iter().zip(&happened[2..]);
        let readable = streams.filter(|(_, happened)| **happened).map(|((stream, _), _)| *stream).collect();
        Ok((happened[0], happened[1], readable))
    }

    /// Reads once from a stream. Output that cannot be kept, of a full disk, is lost; the container goes on.
    fn read(&mut self, stream: OutputStream) {
        let Some(index) = self.streams.iter().position(|(known, _)| *known == stream) else {
            return;
        };
        let mut buffer = [0; BUFFER];
        match rustix::io::read(&self.streams[index].1, &mut buffer[..]) {
            Ok(length) if length > 0 => drop(self.log.take(stream, &buffer[..length])),
            Err(Errno::INTR | Errno::AGAIN) => {}
            _ => {
                self.streams.remove(index);
                drop(self.log.end(stream));
            }
        }
    }

    /// Hears one caller. Who says nothing is not waited for.
    fn serve(&mut self) {
        let Ok((mut caller, _)) = self.socket.accept() else {
            return;
        };
        let _ = caller.set_read_timeout(Some(PATIENCE));
        let mut line = String::new();
        let heard = BufReader::new(&caller).read_line(&mut line);
        let Some(order) = heard.ok().and_then(|_| serde_json::from_str::<Order>(&line).ok()) else {
            return;
        };
        let answer = match order {
            Order::Start => self.start(),
            Order::Ask => self.signal(Signal::TERM),
            Order::Kill => self.signal(Signal::KILL),
        };
        let mut text = serde_json::to_vec(&answer).unwrap_or_default();
        text.push(b'\n');
        let _ = caller.write_all(&text);
        if order != Order::Start {
            self.listeners.push(caller);
        }
    }

    fn signal(&self, signal: Signal) -> Answer {
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) | Err(Errno::SRCH) => Answer::Done,
            Err(error) => Answer::Unavailable(format!("cannot send a signal to the container: {error}")),
        }
    }

    /// Starts the container, once; says whether its program runs.
    fn start(&mut self) -> Answer {
        match self.place.progress().map(|progress| progress.started) {
            Ok(None) => {}
            Ok(Some(_)) => return Answer::Done,
            Err(error) => return Answer::Unavailable(format!("cannot read whether it was started: {error}")),
        }
        // Before that is written down: one that cannot be connected now may be later.
        if let Err(error) = self.link.attach(self.place, self.made) {
            return error.answer();
        }
        if let Err(error) = self.place.set_started(Timestamp::now()) {
            return Answer::Unavailable(format!("cannot write down that it is started: {error}"));
        }
        if let Err(error) = self.container.start() {
            return Answer::Refused(with_sources(&error));
        }
        let mut word = [0; 512];
        match rustix::io::read(&self.word, &mut word[..]) {
            Ok(length) if word[..length] == *RUNS => Answer::Done,
            Ok(0) | Err(_) => Answer::Refused("the container ended before its program began".to_owned()),
            Ok(length) => Answer::Refused(String::from_utf8_lossy(&word[..length]).into_owned()),
        }
    }

    /// Cleans up and says how it ended, in this order: who sees the end finds nothing left.
    fn write_end(mut self) -> io::Result<()> {
        let status = waitid(WaitId::Pid(self.first), WaitIdOptions::EXITED)?;
        let killed = status.and_then(|status| status.terminating_signal()).map(|signal| 128 + i64::from(signal));
        let code = status.and_then(|status| status.exit_status()).map(i64::from);
        let at = Timestamp::now();
        let cgroup = self.groups.cgroup();
        let out_of_memory = cgroup.ran_out_of_memory();
        cgroup.remove();
        self.link.detach(self.place, self.made);
        let code = killed.or(code).unwrap_or(255);
        self.place.set_ended(&Ended { code, out_of_memory, at, error: None })
    }
}
