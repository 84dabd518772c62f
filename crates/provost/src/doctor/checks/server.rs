//! The running server: why it is not as it should be (C7), what waits, and what fails.

use provost_api::wire::{StartupState, Status};

use super::{count, some};
use crate::doctor::evidence::{Answered, ServerAsked};
use crate::doctor::finding::Finding;

/// Runs that wait are told of one by one, up to so many.
const WAITING: usize = 5;

/// Whether a server runs, and how it is.
pub(super) fn server(server: &ServerAsked) -> Vec<Finding> {
    let answered = match &server.answer {
        Ok(answered) => answered,
        Err(trouble) => return vec![Finding::warning("server", trouble.what.clone(), trouble.mend.clone())],
    };
    let Answered { status, waiting, failing } = answered.as_ref();
    let mut findings = vec![running(status)];
    findings.extend(status.waiting_for.iter().map(|why| not_converging(status, why)));
    findings.extend(waiting.iter().take(WAITING).map(|(run, why)| {
        Finding::warning("runs", format!("{run} waits: {why}"), format!("provost describe {run} tells more"))
    }));
    if waiting.len() > WAITING {
        let more = count(waiting.len() - WAITING, "more run waits", "more runs wait");
        findings.push(Finding::warning("runs", more, "provost get runs lists them"));
    }
    if !failing.is_empty() {
        let what = format!(
            "{} not succeed the last time: {}",
            count(failing.len(), "automation did", "automations did"),
            some(failing)
        );
        findings.push(Finding::warning("runs", what, format!("provost logs {} shows why", failing[0])));
    }
    findings
}

fn running(status: &Status) -> Finding {
    let Status { instance, version, host, .. } = status;
    let own = env!("CARGO_PKG_VERSION");
    let what = format!("{instance} runs, provost {version} on {host}");
    if status.stopping {
        return Finding::warning(
            "server",
            format!("{what}, and is about to end"),
            "wait for its end, then start it again",
        );
    }
    if version != own {
        let what = format!("{what}, while this is provost {own}");
        return Finding::warning("server", what, "restart the server: runs go on meanwhile");
    }
    Finding::ok("server", what)
}

/// A reason for which the server is not as it should be, in its own words.
fn not_converging(status: &Status, why: &str) -> Finding {
    if status.rejected.as_ref().is_some_and(|rejected| why.contains(&rejected.revision)) {
        return Finding::problem("server", why, "provost status shows the errors; mend the manifests and commit");
    }
    if status.startup == StartupState::Refused && why.contains("startup hooks refused") {
        return Finding::problem("server", why, "provost logs shows what the hook said; mend it and commit");
    }
    if status.engine.trouble.as_ref().is_some_and(|trouble| why.contains(trouble)) {
        return Finding::problem("server", why, "see what is said of the engine here");
    }
    if status.source.trouble.as_ref().is_some_and(|trouble| why.contains(trouble)) {
        return Finding::problem("server", why, "see what is said of the source here");
    }
    if status.pinned.as_ref().is_some_and(|pinned| why.contains(pinned)) {
        return Finding::warning("server", why, "provost apply follows the source again");
    }
    Finding::warning("server", why, "it is tried again by itself; provost status tells how it goes on")
}
