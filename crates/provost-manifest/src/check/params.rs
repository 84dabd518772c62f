//! Parameters: declared soundly, and used only where they are declared.

use std::collections::{BTreeMap, BTreeSet};

use provost_model::{Param, ParamKind};
use serde_json::Value;

use crate::kinds::ParamSpec;
use crate::read::{Content, Document, Node, Spec};
use crate::report::{Code, Diagnostic, did_you_mean};

pub(crate) fn check(documents: &[Document], out: &mut Vec<Diagnostic>) {
    for document in documents {
        match &document.spec {
            Spec::Automation(spec) => {
                let is_due = spec.schedule.is_some();
                Place { document, path: "spec", params: &spec.params, is_due }.check(out);
            }
            Spec::Plugin(spec) => {
                for (index, action) in spec.actions.iter().enumerate() {
                    let path = format!("spec/actions/{index}");
                    Place { document, path: &path, params: &action.params, is_due: false }.check(out);
                }
            }
            Spec::Channel(_) | Spec::Policy(_) | Spec::Secret(_) | Spec::Service(_) | Spec::Source(_) => {}
        }
    }
}

/// What declares parameters, and its place in the document.
struct Place<'a> {
    document: &'a Document,
    path: &'a str,
    params: &'a BTreeMap<String, ParamSpec>,
    /// Nobody hands anything in when a schedule starts it.
    is_due: bool,
}

impl Place<'_> {
    fn check(&self, out: &mut Vec<Diagnostic>) {
        for (name, param) in self.params {
            declared(self, name, param, out);
        }
        used(self, out);
    }
}

fn declared(place: &Place<'_>, name: &str, param: &ParamSpec, out: &mut Vec<Diagnostic>) {
    let document = place.document;
    let path = format!("{}/params/{name}", place.path);
    let word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if !word || name.len() > 60 {
        let error = Diagnostic::new(
            Code::BAD_NAME,
            &document.key_spot(&path),
            format!("`{name}` cannot be the name of a parameter"),
        );
        return out.push(error.hint("use letters, digits, `_` and `-`, at most 60"));
    }
    let is_number = matches!(param.kind, ParamKind::Integer | ParamKind::Number);
    for (key, given) in [("minimum", param.minimum.is_some()), ("maximum", param.maximum.is_some())] {
        if given && !is_number {
            let error = Diagnostic::new(
                Code::TOGETHER,
                &document.spot_of(&format!("{path}/{key}")),
                format!("`{key}` goes with numbers; `{name}` is a {}", param.kind.word()),
            );
            out.push(error.hint("remove it, or use `options`"));
        }
    }
    if let (Some(least), Some(most)) = (param.minimum, param.maximum)
        && least > most
    {
        let error = Diagnostic::new(
            Code::TOGETHER,
            &document.spot_of(&format!("{path}/minimum")),
            format!("{least} is more than the maximum, {most}"),
        );
        out.push(error.hint("no value can be right"));
    }
    let bare = Param {
        kind: param.kind,
        description: None,
        required: false,
        default: None,
        minimum: param.minimum,
        maximum: param.maximum,
        options: Vec::new(),
    };
    for (index, option) in param.options.iter().enumerate() {
        value(document, &format!("{path}/options/{index}"), &bare, option, out);
    }
    let Some(default) = &param.default else {
        if param.required.unwrap_or(true) && place.is_due {
            let message =
                format!("parameter `{name}` must be given, but nobody gives it to a run that is due by schedule");
            let error = Diagnostic::new(Code::PARAM_VALUE, &document.key_spot(&path), message);
            out.push(error.hint("give it a `default`, or say `required: false`"));
        }
        return;
    };
    let with_options = Param { options: param.options.clone(), ..bare };
    value(document, &format!("{path}/default"), &with_options, default, out);
}

/// Tells if `value`, at `path`, is not what `param` takes.
fn value(document: &Document, path: &str, param: &Param, value: &Value, out: &mut Vec<Diagnostic>) {
    let wrong = match param.read(value) {
        Err(why) => Some(why),
        // From the command line `5` may be a text; a manifest says what it means.
        Ok(read) => (read != *value).then(|| format!("{value} is a text, not of type {}", param.kind.word())),
    };
    if let Some(why) = wrong {
        let hint = if param.kind == ParamKind::String {
            "put it in quotes"
        } else {
            "write a value of the parameter's type, without quotes"
        };
        let fits = value.is_string() == (param.kind == ParamKind::String);
        let error = Diagnostic::new(Code::PARAM_VALUE, &document.spot_of(path), why);
        out.push(error.maybe_hint((!fits).then(|| hint.to_owned())));
    }
}

/// Tells what `$(params.NAME)` in command, arguments and variables is not declared, and what is declared and not used.
fn used(place: &Place<'_>, out: &mut Vec<Diagnostic>) {
    let Place { document, params, .. } = place;
    let mut used = BTreeSet::new();
    for key in ["command", "args", "env"] {
        let Some(node) = document.node(&format!("{}/{key}", place.path)) else {
            continue;
        };
        for node in texts(node) {
            let text = node.as_str().unwrap_or_default();
            for (at, name) in references(text) {
                used.insert(name);
                if !params.contains_key(name) {
                    let spot =
                        document.source.spot(node.span.clone()).part(text, at..at + "$(params.)".len() + name.len());
                    let error = Diagnostic::new(Code::PARAM_UNKNOWN, &spot, format!("there is no parameter `{name}`"));
                    let add = format!("declare it: params: {{{name}: {{type: string}}}}");
                    out.push(error.hint(did_you_mean(name, params.keys().map(String::as_str)).unwrap_or(add)));
                }
            }
        }
    }
}

fn texts(node: &Node) -> Vec<&Node> {
    match &node.content {
        Content::List(nodes) => nodes.iter().collect(),
        Content::Map(entries) => entries.iter().map(|entry| &entry.value).collect(),
        Content::Scalar(_) => vec![node],
    }
}

/// Each `$(params.NAME)` in `text`, with its place. `$$(…)` stands for the text `$(…)`.
fn references(text: &str) -> Vec<(usize, &str)> {
    let starts = text.match_indices("$(params.").filter(|(at, _)| !text[..*at].ends_with('$'));
    starts
        .filter_map(|(at, start)| {
            let rest = &text[at + start.len()..];
            Some((at, rest.split_once(')')?.0))
        })
        .collect()
}
