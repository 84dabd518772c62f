//! The engine and its images.

use jiff::SignedDuration;
use provost_engine::{Machine, Tried};
use provost_model::PullPolicy;

use super::some;
use crate::doctor::evidence::{EngineFound, ImageAsked};
use crate::doctor::finding::Finding;
use crate::output::duration;

/// An engine that takes longer than this to say who it is will be late with containers too.
const SLOW: SignedDuration = SignedDuration::from_secs(2);

/// Whether an engine answers, how soon, and what it lacks.
pub(super) fn engine(engine: &Result<EngineFound, Vec<Tried>>) -> Vec<Finding> {
    let found = match engine {
        Ok(found) => found,
        Err(tried) => {
            // Most problems name the address themselves.
            let at = |it: &Tried| {
                if it.problem.contains(&it.address) { String::new() } else { format!(" at {}", it.address) }
            };
            let nobody = |it: &Tried| format!("no container engine answers{} ({}): {}", at(it), it.why, it.problem);
            return tried.iter().map(|it| Finding::problem("engine", nobody(it), it.mend.clone())).collect();
        }
    };
    let EngineFound { product, version, address, took, machine, lacks: missing, .. } = found;
    let what = format!("{product} {version} at {address} answers in {}", duration(*took));
    let mut findings = Vec::new();
    if *took > SLOW {
        let mend = "see what keeps it busy (docker stats, dmesg); a slow disk is the usual reason";
        findings.push(Finding::warning("engine", what, mend));
    } else {
        findings.push(Finding::ok("engine", what));
    }
    findings.extend(missing.iter().map(|(what, mend)| Finding::warning("engine", what.clone(), mend.clone())));
    match machine {
        Err(why) => {
            findings.push(Finding::problem("engine", why.clone(), "restart the engine: systemctl restart docker"))
        }
        Ok(machine) => findings.extend(lacks(machine)),
    }
    findings
}

/// What limits rest on and this engine does not have.
fn lacks(machine: &Machine) -> Vec<Finding> {
    let limits = machine.warnings.iter().filter(|text| text.contains("limit") || text.contains("cgroup"));
    let mend = "boot with `cgroup_enable=memory swapaccount=1`, or with control groups version 2";
    let lacking = limits.map(|text| {
        let text = text.trim_start_matches("WARNING: ");
        Finding::warning("engine", format!("it cannot keep every limit: {text}"), mend)
    });
    let old = machine.cgroups.as_deref() == Some("1");
    let old = old.then(|| Finding::ok("engine", "its limits rest on control groups version 1"));
    lacking.chain(old).collect()
}

/// Whether what is named can be started.
pub(super) fn images(images: &[ImageAsked]) -> Vec<Finding> {
    let missing = images.iter().filter(|asked| !asked.is_there && !asked.is_in_folder);
    let mut findings: Vec<Finding> = missing.map(missing_image).collect();
    if findings.is_empty() && !images.is_empty() {
        findings.push(Finding::ok(
            "images",
            format!("{} can be had without a pull", super::count(images.len(), "image", "images")),
        ));
    }
    findings
}

fn missing_image(asked: &ImageAsked) -> Finding {
    let ImageAsked { image, needed_by, pull, .. } = asked;
    let what = format!("the engine does not have {image}, which {} needs", some(needed_by));
    match pull {
        PullPolicy::Never => Finding::problem(
            "images",
            what,
            "load it into the engine or the server's `images` folder, or let it be pulled",
        ),
        PullPolicy::IfNotPresent | PullPolicy::Always => {
            Finding::warning("images", format!("{what}; the next start pulls it"), format!("docker pull {image}"))
        }
    }
}
