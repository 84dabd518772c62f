//! What follows from what was found: a function without any IO.

mod certificate;
mod engine;
mod machine;
mod server;
mod shop;

#[cfg(test)]
mod tests;

use super::evidence::Evidence;
use super::finding::Finding;

/// Everything that was looked at, in an order in which it is best mended.
pub fn examine(evidence: &Evidence) -> Vec<Finding> {
    let has_server = evidence.server.answer.is_ok();
    let mut findings = vec![machine::config(&evidence.config, has_server)];
    findings.extend(machine::permissions(evidence));
    findings.extend(evidence.state.iter().flat_map(|state| machine::state(state, &evidence.server)));
    findings.extend(machine::disks(evidence));
    findings.extend(machine::clock(evidence));
    findings.extend(engine::engine(&evidence.engine));
    findings.extend(shop::source(evidence.source.as_ref()));
    findings.extend(engine::images(&evidence.images));
    findings.extend(shop::channels(&evidence.channels));
    findings.extend(certificate::certificate(evidence.certificate.as_ref(), evidence.now));
    findings.extend(server::server(&evidence.server));
    findings
}

/// At most three of `names`, and how many more there are.
fn some(names: &[String]) -> String {
    let shown = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(3) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// `1 run waits`, `3 runs wait`.
fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}
