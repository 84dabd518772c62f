//! `$(config.KEY)` in what a plugin's containers are started with: what the plugin, the instance and the server say of it.
//!
//! It is filled in while manifests are resolved, so that what a plan shows is what runs. Elsewhere it is plain text.

use provost_model::Workload;
use serde_json::Value;

use crate::read::Document;
use crate::report::{Code, Diagnostic, did_you_mean};

const START: &str = "$(config.";

/// Fills in the command, arguments, variables, working folder and files of secrets of the container at `path` of
/// `document`; a key that the configuration has not is told.
pub(crate) fn fill_in(
    document: &Document,
    path: &str,
    workload: &mut Workload,
    config: &Value,
    out: &mut Vec<Diagnostic>,
) {
    let mut fill = |key: String, text: &mut String| match filled_in(text, config) {
        Ok(filled) => *text = filled,
        Err(unknown) => {
            let message = format!("the plugin's config has no text, number or boolean `{unknown}`");
            let known = config.as_object().into_iter().flat_map(|keys| keys.keys().map(String::as_str));
            let hint = did_you_mean(&unknown, known).unwrap_or_else(|| format!("add it: config: {{{unknown}: …}}"));
            out.push(Diagnostic::new(Code::CONFIG, &document.spot_of(&format!("{path}/{key}")), message).hint(hint));
        }
    };
    workload.command.iter_mut().enumerate().for_each(|(index, text)| fill(format!("command/{index}"), text));
    workload.args.iter_mut().enumerate().for_each(|(index, text)| fill(format!("args/{index}"), text));
    workload.env.iter_mut().for_each(|(name, text)| fill(format!("env/{name}"), text));
    workload.working_dir.iter_mut().for_each(|text| fill("workingDir".to_owned(), text));
    for (index, used) in workload.secrets.iter_mut().enumerate() {
        used.file.iter_mut().for_each(|text| fill(format!("secrets/{index}/file"), text));
    }
}

/// One pass: what a value brings in is not looked at again. `$$(…)` stands for the text `$(…)`.
///
/// Errors: the key that there is not.
fn filled_in(text: &str, config: &Value) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(START) {
        let Some((key, behind)) = after.split_once(')') else { break };
        filled += before;
        rest = behind;
        if before.ends_with('$') {
            filled.pop();
            filled += &format!("{START}{key})");
            continue;
        }
        let value = key.split('.').try_fold(config, |at, key| at.get(key));
        filled += &match value {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            _ => return Err(key.to_owned()),
        };
    }
    Ok(filled + rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_config_says_is_filled_in_once() {
        let config =
            json!({"root": "/plugin", "db": {"port": 5432, "tls": true}, "odd": "$(config.root)", "list": [1]});
        for (text, filled) in [
            ("$(config.root)/install $(config.db.port)", Ok("/plugin/install 5432")),
            ("--tls=$(config.db.tls)", Ok("--tls=true")),
            ("$(config.odd)", Ok("$(config.root)")),
            (
                "$$(config.root) {root} $(params.root) $(config.root",
                Ok("$(config.root) {root} $(params.root) $(config.root"),
            ),
            ("$(config.rot)", Err("rot")),
            ("$(config.db)", Err("db")),
            ("$(config.list.0)", Err("list.0")),
        ] {
            assert_eq!(filled_in(text, &config), filled.map(str::to_owned).map_err(str::to_owned), "{text}");
        }
    }
}
