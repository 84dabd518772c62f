//! The identities of traces and spans, as W3C Trace Context has them.

use crate::{Digest, Instance, Owner, StepId};

/// A span of a trace. A run and an event are a trace each, their steps its spans; which they are follows from their ids, so
/// that nothing has to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: u128,
    /// The span.
    pub span: u64,
}

impl TraceContext {
    /// The whole of a run, or of an event.
    pub fn of(instance: &Instance, owner: &Owner) -> Self {
        Self::derived(instance, owner, "")
    }

    /// One step of it.
    pub fn of_step(instance: &Instance, owner: &Owner, step: &StepId) -> Self {
        Self::derived(instance, owner, step.as_str())
    }

    fn derived(instance: &Instance, owner: &Owner, step: &str) -> Self {
        let owner = format!("{instance}\0{}\0{}", owner.kind(), owner.id());
        let digest = |text: &str| Digest::of(text.as_bytes());
        let (trace, span) = (digest(&owner), digest(&format!("{owner}\0{step}")));
        // Zero is no identity; that a digest begins so is not to be expected.
        let trace = u128::from_str_radix(&trace.as_str()[..32], 16).unwrap_or(0).max(1);
        let span = u64::from_str_radix(&span.as_str()[..16], 16).unwrap_or(0).max(1);
        Self { trace, span }
    }

    /// As `TRACEPARENT` has it: spans of whoever reads it are below this one.
    pub fn header(&self) -> String {
        format!("00-{:032x}-{:016x}-01", self.trace, self.span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunId;

    #[test]
    fn steps_are_spans_of_their_runs_trace() {
        let instance = Instance::parse("ber-1").unwrap();
        let run = |id: &str| Owner::Run(RunId::parse(id).unwrap());
        let (one, other) = (run("nightly.20261120T020000Z"), run("nightly.20261121T020000Z"));
        let (whole, main) =
            (TraceContext::of(&instance, &one), TraceContext::of_step(&instance, &one, &StepId::main(1)));
        assert_eq!(whole, TraceContext::of(&instance, &one));
        assert!(whole.trace == main.trace && whole.span != main.span);
        assert_ne!(whole.trace, TraceContext::of(&instance, &other).trace);
        assert_ne!(whole.trace, TraceContext::of(&Instance::parse("ber-2").unwrap(), &one).trace);
        let header = main.header();
        assert_eq!((header.len(), &header[..3], &header[52..]), (55, "00-", "-01"), "{header}");
    }
}
