//! Commands that run into limits.

use std::{
    hint::black_box,
    process::{Child, Command},
    thread,
    time::Duration,
};

use crate::{Outcome, args::Args, failure::Failure, output};

const MEGABYTE: usize = 1 << 20;

/// `memory MB [SECONDS]`: megabytes are 2^20 bytes, taken evenly over the time; a memory limit ends it with SIGKILL.
pub fn memory(mut args: Args) -> Outcome {
    let megabytes: usize = args.number("the size")?;
    let rest = args.rest();
    let time = match rest.as_slice() {
        [] => Duration::ZERO,
        _ => Args::new("memory", "MB [SECONDS]", rest).seconds("the time")?,
    };
    let mut held = Vec::new();
    for _ in 0..megabytes {
        thread::sleep(time.div_f64(megabytes as f64));
        held.push(vec![1_u8; MEGABYTE]);
    }
    black_box(&held);
    output::line(&format!("holding {megabytes} MB"))?;
    Ok(0)
}

/// `fork-bomb N`: the children are gone when it returns.
pub fn fork_bomb(mut args: Args) -> Outcome {
    let wanted: usize = args.number("the number of children")?;
    args.end()?;
    let mut children = Vec::new();
    let refused = (0..wanted).find_map(|_| match child() {
        Ok(child) => {
            children.push(child);
            None
        }
        Err(error) => Some(error),
    });
    let started = children.len();
    children.into_iter().for_each(end);
    match refused {
        None => {
            output::line(&format!("started {started} children"))?;
            Ok(0)
        }
        Some(error) => Err(Failure::work(format!("stopped after {started} of {wanted} children: {error}"))),
    }
}

fn child() -> std::io::Result<Child> {
    Command::new("/proc/self/exe").args(["sleep", "60"]).spawn()
}

/// A child that is gone already needs no killing.
fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}
