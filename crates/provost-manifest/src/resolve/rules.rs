//! Rules of policies: CEL over effective manifests.

use std::collections::BTreeMap;

use provost_expr::Expr;
use serde_json::{Value, json};

use crate::kinds::{PolicySpec, RuleMode};
use crate::read::Document;
use crate::report::{Code, Diagnostic};
use crate::resolve::policy::{Policy, Rule};

/// Reads the rules of a policy; those that cannot be read are told.
pub(crate) fn read(document: &Document, spec: &PolicySpec, out: &mut Vec<Diagnostic>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (index, rule) in spec.rules.iter().enumerate() {
        let path = format!("spec/rules/{index}/assert");
        if let Some(expr) = expression(document, &path, &rule.assert, &["apiVersion", "kind", "metadata", "spec"], out)
        {
            let message = rule.message.clone().unwrap_or_else(|| format!("`{}` does not hold", rule.assert));
            rules.push(Rule { expr, message, mode: rule.mode, spot: document.spot_of(&path) });
        }
    }
    rules
}

/// Reads the expression at `path`, which may use `variables`; what is wrong is told.
pub(crate) fn expression(
    document: &Document,
    path: &str,
    text: &str,
    variables: &[&str],
    out: &mut Vec<Diagnostic>,
) -> Option<Expr> {
    let spot = document.spot_of(path);
    let expr = match Expr::parse(text) {
        Ok(expr) => expr,
        Err(error) => {
            let at = error.offset.min(text.len().saturating_sub(1));
            let end = text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |c| at + c.len_utf8());
            let wrong = Diagnostic::new(
                Code::EXPRESSION,
                &spot.part(text, at..end),
                format!("this CEL expression {}", told(&error.message)),
            );
            out.push(wrong.hint("see cel.dev for the language; for example: has(data.count) && data.count > 0"));
            return None;
        }
    };
    // A name that is no variable may be the loop variable of `all` or `exists`, which no message needs.
    let unknown =
        expr.variables().into_iter().find(|name| !variables.contains(&name.as_str()) && !is_local(text, name));
    if let Some(name) = unknown {
        let at = text.find(&name).unwrap_or(0);
        let wrong = Diagnostic::new(
            Code::EXPRESSION,
            &spot.part(text, at..at + name.len()),
            format!("there is no variable `{name}` here"),
        );
        out.push(wrong.hint(format!("there are {}", variables.join(", "))));
        return None;
    }
    Some(expr)
}

fn told(message: &str) -> String {
    let verb = ["is ", "has ", "ends ", "nests ", "cannot "].iter().any(|verb| message.starts_with(verb));
    if verb { message.to_owned() } else { format!("is wrong here: {message}") }
}

/// Whether `name` is declared by a loop in `text`: `.all(name,`.
fn is_local(text: &str, name: &str) -> bool {
    let loops = ["all", "exists", "exists_one", "map", "filter", "existsOne"];
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    loops.iter().any(|word| compact.contains(&format!(".{word}({name},")))
}

/// Checks `policy`'s rules on the effective manifest `spec` of `document`.
pub(crate) fn check(policy: &Policy<'_>, document: &Document, spec: &Value, out: &mut Vec<Diagnostic>) {
    if policy.rules.is_empty() {
        return;
    }
    // What is not written is not there, so that `has(metadata.description)` asks what it seems to ask.
    let mut metadata = json!({ "name": document.name, "labels": document.labels });
    if let Some(description) = &document.description {
        metadata["description"] = Value::from(description.as_str());
    }
    let kind = Value::from(document.kind().as_str());
    let variables = BTreeMap::from([
        ("apiVersion", Value::from(crate::API_VERSION)),
        ("kind", kind),
        ("metadata", metadata),
        ("spec", spec.clone()),
    ]);
    let by = format!("rule of {}", policy.document.id());
    for rule in &policy.rules {
        match rule.expr.holds(&variables) {
            Ok(true) => {}
            Ok(false) => {
                let code = match rule.mode {
                    RuleMode::Enforce => Code::RULE_BROKEN,
                    RuleMode::Audit => Code::RULE_AUDIT,
                };
                let wrong =
                    Diagnostic::new(code, &blamed(document, rule), format!("{}: {}", document.id(), rule.message));
                out.push(wrong.related(&rule.spot, by.clone()));
            }
            Err(why) => {
                let wrong = Diagnostic::new(
                    Code::RULE_FAILED,
                    &rule.spot,
                    format!("this rule cannot be checked on {}: it {why}", document.id()),
                );
                out.push(
                    wrong
                        .related(&document.name_spot(), "checked on this")
                        .hint("a field that is not written is not there: guard it with `has(…)`, or narrow `select`"),
                );
            }
        }
    }
}

/// The field that a rule is about, if it names one that the document writes; else the document's name.
fn blamed(document: &Document, rule: &Rule) -> crate::read::Spot {
    let text = rule.expr.source();
    let words = text.match_indices("spec.").map(|(at, _)| &text[at + "spec.".len()..]);
    let field = words.map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default());
    let written = field.map(|field| format!("spec/{field}")).find(|path| document.node(path).is_some());
    written.map_or_else(|| document.name_spot(), |path| document.spot_of(&path))
}
