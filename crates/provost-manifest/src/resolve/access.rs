//! What a container may ask of the server: what its manifest asks for, as far as policy allows it.

use provost_model::Access;

use crate::facts::Never;
use crate::kinds::{AccessSpec, ScopeSpec};
use crate::read::Document;
use crate::report::{Code, Diagnostic};
use crate::resolve::policy::Policy;
use crate::resolve::power;

/// What containers of `document` may ask, which calls `skills`; what no policy allows is told.
pub(crate) fn resolve(
    document: &Document,
    spec: Option<&AccessSpec>,
    skills: &[String],
    policies: &[&Policy<'_>],
    never: &Never,
    out: &mut Vec<Diagnostic>,
) -> Access {
    let spec = spec.cloned().unwrap_or_default();
    if let Some(scope) = spec.scope {
        power::check_scope(document, scope, policies, never, out);
    }
    if spec.scope.is_none() && spec.automations.is_some() {
        let spot = document.spot_of("spec/access/automations");
        let error =
            Diagnostic::new(Code::TOGETHER, &spot, "`automations` says what a `scope` is about, and there is none");
        out.push(error.hint("add `scope: View`, `scope: Run` or `scope: Admin`, or remove it"));
    }
    let all = || vec!["*".to_owned()];
    let automations = spec.scope.map(|_| spec.automations.unwrap_or_else(all)).unwrap_or_default();
    Access {
        skills: skills.iter().cloned().collect(),
        events: spec.events.into_iter().collect(),
        reads: spec.documents.read.into_iter().collect(),
        writes: spec.documents.write.into_iter().collect(),
        scope: spec.scope.map(ScopeSpec::scope),
        automations: automations.into_iter().collect(),
        progress: spec.progress,
    }
}
