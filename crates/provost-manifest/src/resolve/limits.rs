//! Limits of policies, checked on what is in force.

use provost_model::RunLimit;
use serde_json::Value;

use crate::kinds::Seconds;
use crate::read::{Document, Spot};
use crate::report::{Code, Diagnostic};
use crate::resolve::layers::{Layers, Leaf, amount, limit_path};
use crate::resolve::policy::Policy;

/// Tells what exceeds a limit of one of `policies`, with the place of both.
pub(crate) fn check_layers(
    layers: &Layers<'_>,
    policies: &[&Policy<'_>],
    document: &Document,
    out: &mut Vec<Diagnostic>,
) {
    for policy in policies {
        for limit in &policy.limits {
            let Some((path, setting)) = limit_path(&limit.path).and_then(|path| Some((path, layers.get(path)?))) else {
                continue;
            };
            if amount(path, setting.value) > amount(path, &limit.value) {
                out.push(above(path, setting.value, &setting.spot_or_name(document), policy, limit));
            }
        }
    }
}

/// The timeout of a hook that says `given`: a default is lowered to the limits, what is written is told if it exceeds one.
pub(crate) fn hook_timeout(
    given: Option<u64>,
    default: u64,
    policies: &[&Policy<'_>],
    spot: &Spot,
    out: &mut Vec<Diagnostic>,
) -> u64 {
    let mut timeout = given.unwrap_or(default);
    for policy in policies {
        let Some(limit) = policy.limits.iter().find(|limit| limit.path == "timeout") else {
            continue;
        };
        let Some(most) = amount("timeout", &limit.value) else {
            continue;
        };
        match given {
            Some(given) if given > most => {
                out.push(above("timeout", &Value::from(Seconds(given).text()), spot, policy, limit))
            }
            Some(_) => {}
            None => timeout = timeout.min(most),
        }
    }
    timeout
}

fn above(path: &str, value: &Value, spot: &Spot, policy: &Policy<'_>, limit: &Leaf) -> Diagnostic {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let id = policy.document.id();
    let message = format!("`{path}` is {}, above the limit of {}", plain(value), plain(&limit.value));
    let error = Diagnostic::new(Code::ABOVE_LIMIT, spot, message)
        .label("too much")
        .related(&limit.spot, format!("the limit of {id}"));
    error.hint(format!("at most {} is allowed", plain(&limit.value)))
}

/// The caps on runs at once that hold for an automation under `policies`.
pub(crate) fn run_limits(policies: &[&Policy<'_>]) -> Vec<RunLimit> {
    let limit = |policy: &&Policy<'_>| {
        let runs_at_once = policy.spec.limits.runs_at_once?;
        Some(RunLimit { policy: policy.document.name.clone(), runs_at_once })
    };
    policies.iter().filter_map(limit).collect()
}
