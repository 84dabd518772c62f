//! The shop of the story: its manifests, and what its containers do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use provost_engine::{Script, ScriptedEngine};

use crate::points::kind_of;

/// The first revision.
pub const FIRST: &str = r#"
---
apiVersion: provost/v1
kind: Policy
metadata: {name: house}
spec:
  order: 1
  hooks:
    - {name: open, event: server.startup, image: hook}
    - {name: close, event: server.shutdown, image: hook}
    - {name: shelf, event: orders.arrived, image: hook}
---
apiVersion: provost/v1
kind: Policy
metadata: {name: nights}
spec:
  order: 2
  select: {names: [nightly, stuck]}
  hooks:
    - {name: before, event: run.starting, image: hook}
    - {name: praise, event: run.succeeded, image: hook}
    - {name: after, event: run.finished, image: hook}
    - {name: archive, event: run.finished, image: hook, background: true}
---
apiVersion: provost/v1
kind: Policy
metadata: {name: brief}
spec: {order: 3, select: {names: [tick]}, history: {keep: 1m, keepLast: 1, logs: 1m}}
---
apiVersion: provost/v1
kind: Automation
metadata: {name: nightly}
spec: {image: job, schedule: "1 12 * * *", retries: {limit: 1, backoff: 5s}, notify: {starting: [gate], success: [ops]}}
---
apiVersion: provost/v1
kind: Automation
metadata: {name: pack}
spec: {image: job, triggers: [{event: orders.arrived}], volumes: [{name: work, path: /work, scope: Run}]}
---
apiVersion: provost/v1
kind: Automation
metadata: {name: stuck}
spec: {image: job, timeout: 5s, notify: {failure: [ops, pager]}}
---
apiVersion: provost/v1
kind: Automation
metadata: {name: beat}
spec: {image: job, schedule: "*/5 * * * *"}
---
apiVersion: provost/v1
kind: Automation
metadata: {name: tick}
spec: {image: job, schedule: "*/20 * * * *"}
---
apiVersion: provost/v1
kind: Channel
metadata: {name: gate}
spec: {file: {path: gate.jsonl}, reply: {timeout: 5s, default: Deny}}
---
apiVersion: provost/v1
kind: Channel
metadata: {name: ops}
spec: {file: {path: ops.jsonl}}
---
apiVersion: provost/v1
kind: Channel
metadata: {name: pager}
spec: {command: {image: pager}}
"#;

/// What the second revision adds.
pub const MORE: &str = r"
---
apiVersion: provost/v1
kind: Automation
metadata: {name: late}
spec: {image: job}
";

/// What truly started, as the containers themselves would say it: the step, and whose it is.
pub type Evidence = Arc<Mutex<Vec<Started>>>;

/// A container that has started.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Started {
    /// The id of the run, event or notice.
    pub owner: String,
    /// `nightly/main.1`.
    pub kind: String,
}

/// Tells `engine` what containers do, and lets each leave evidence of its start.
pub fn act(engine: &ScriptedEngine, evidence: &Evidence) {
    let evidence = Arc::clone(evidence);
    engine.direct(move |request| {
        let kind = kind_of(&request.step);
        evidence.lock().unwrap().push(Started { owner: request.step.owner.id().to_owned(), kind: kind.clone() });
        Some(script(&kind))
    });
}

fn script(kind: &str) -> Script {
    let second = Duration::from_secs(1);
    match kind {
        "nightly/main.1" => Script::running(3 * second).line(second, "try").code(3),
        "nightly/main.2" => Script::running(10 * second).line(second, "one").line(9 * second, "two"),
        "stuck/main.1" => Script::endless().stubborn().line(second, "hangs"),
        _ => Script::running(second),
    }
}
