//! Where manifests come from, and where notifications go.

use crate::doctor::evidence::{ChannelTried, Newest, SourceAsked};
use crate::doctor::finding::Finding;
use crate::output::duration;
use crate::view::short_revision;

/// How many lines of diagnostics are shown.
const LINES: usize = 12;

/// Whether the source can be read, its newest revision is vouched for, and there is no error in it.
pub(super) fn source(source: Option<&SourceAsked>) -> Option<Finding> {
    let SourceAsked { name, took, newest } = source?;
    Some(match newest {
        Err(trouble) => Finding::problem("source", format!("{name}: {}", trouble.what), trouble.mend.clone()),
        Ok(newest) if newest.errors > 0 => {
            let errors = super::count(newest.errors as usize, "error", "errors");
            let what =
                format!("{} of {name} has {errors}\n{}", short_revision(&newest.id), first_lines(&newest.report));
            Finding::problem(
                "source",
                what,
                "mend the manifests (provost validate in a clone shows all of it) and commit",
            )
        }
        Ok(Newest { id, signer, automations, .. }) => {
            let signed = signer.as_ref().map_or(String::new(), |signer| format!(", signed by {signer}"));
            let automations = super::count(*automations, "automation", "automations");
            let (id, took) = (short_revision(id), duration(*took));
            Finding::ok("source", format!("{name} is at {id}{signed}, with {automations}, read in {took}"))
        }
    })
}

fn first_lines(report: &str) -> String {
    let lines: Vec<&str> = report.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut shown = lines.iter().take(LINES).copied().collect::<Vec<_>>().join("\n");
    if lines.len() > LINES {
        shown += "\n…";
    }
    shown
}

/// Whether notifications would arrive. Nothing was sent.
pub(super) fn channels(channels: &[ChannelTried]) -> Vec<Finding> {
    let troubled = channels.iter().filter_map(|channel| Some((&channel.name, channel.trouble.as_ref()?)));
    let mut findings: Vec<Finding> = troubled
        .map(|(name, trouble)| Finding::problem("channels", format!("{name}: {}", trouble.what), trouble.mend.clone()))
        .collect();
    if findings.is_empty() && !channels.is_empty() {
        let channels = super::count(channels.len(), "channel", "channels");
        findings.push(Finding::ok("channels", format!("{channels} can be reached")));
    }
    findings
}
