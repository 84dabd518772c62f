//! `provost explain X`: a field, an error code, a key of the server configuration, or the effective manifest of an
//! automation or service.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use provost_api::Client;
use provost_api::wire::OriginItem;
use provost_manifest::{FieldDoc, Kind};
use serde_json::{Value, json};

use super::offline::{FactsArgs, compiled};
use super::remote::client;
use crate::app::{App, FormatArgs, block_on};
use crate::config::{ServerArgs, closest, keys};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Format, Listing, Text, Tone};
use crate::view::{Source, effective};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A code (E0142), a field (automation.spec.timeout, spec.timeout), a key of the server configuration
    /// (server.apply), or the name of an automation or service
    #[arg(value_name = "X")]
    subject: String,
    /// Read the automation from this folder or file instead of asking the server
    #[arg(short, long, value_name = "PATH")]
    file: Option<PathBuf>,
    #[command(flatten)]
    facts: FactsArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub fn run(args: &Args, app: &mut App) -> Outcome {
    let (subject, format) = (args.subject.as_str(), args.format.format);
    let kind = subject.split('.').next().unwrap_or(subject).to_lowercase();
    match kind.as_str() {
        _ if is_code(subject) => code(subject, format, app),
        "server" => key(subject.split_once('.').map(|(_, key)| key), format, app),
        kind if Kind::ALL.iter().any(|known| known.as_str().eq_ignore_ascii_case(kind)) => field(subject, format, app),
        "spec" | "metadata" => field(&format!("automation.{subject}"), format, app),
        _ => {
            let listing = match &args.file {
                Some(path) => from_disk(subject, path, args, app)?,
                None => from_server(subject, args)?,
            };
            listing.print(&mut app.output, format)?;
            Ok(Exit::Done)
        }
    }
}

fn is_code(text: &str) -> bool {
    let digits = text.strip_prefix(['E', 'W', 'e', 'w']).unwrap_or_default();
    digits.len() == 4 && digits.chars().all(|c| c.is_ascii_digit())
}

fn code(code: &str, format: Format, app: &mut App) -> Outcome {
    let Some(text) = provost_manifest::explain(code) else {
        return Err(Failure::not_found(format!("there is no code {code}"))
            .help("provost validate tells the codes of what it finds"));
    };
    if format.is_for_people() {
        app.output.lines(text)?;
    } else {
        app.output.value(&json!({"code": code.to_uppercase(), "text": text}), format)?;
    }
    Ok(Exit::Done)
}

fn key(wanted: Option<&str>, format: Format, app: &mut App) -> Outcome {
    let all = keys();
    let inside = |name: &str, wanted: &str| {
        name == wanted || name.starts_with(&format!("{wanted}.")) || wanted.starts_with(&format!("{name}."))
    };
    let found: Vec<_> = all.iter().filter(|key| wanted.is_none_or(|wanted| inside(key.name, wanted))).collect();
    if found.is_empty() {
        let wanted = wanted.unwrap_or_default();
        let failure = Failure::not_found(format!("the server configuration has no key {wanted:?}"));
        return Err(match closest(wanted, all.iter().map(|key| key.name)) {
            Some(near) => failure.help(format!("did you mean server.{near}?")),
            None => failure.help("provost explain server lists every key"),
        });
    }
    if !format.is_for_people() {
        let items: Vec<_> =
            found.iter().map(|key| json!({"key": key.name, "meaning": key.meaning, "default": key.default})).collect();
        app.output.value(&json!({ "items": items }), format)?;
        return Ok(Exit::Done);
    }
    for key in found {
        app.output.line(Text::toned(Tone::Strong, key.name))?;
        app.output.line(format!("  {}", key.meaning.replace('`', "")))?;
        if !key.default.is_empty() {
            app.output.line(Text::toned(Tone::Dim, format!("  when left out: {}", key.default.replace('`', ""))))?;
        }
    }
    Ok(Exit::Done)
}

fn field(path: &str, format: Format, app: &mut App) -> Outcome {
    let docs = provost_manifest::field_docs(path).map_err(Failure::not_found)?;
    if format.is_for_people() {
        field_lines(&docs).into_iter().try_for_each(|line| app.output.line(line))?;
    } else {
        let value = json!({
            "path": docs.path,
            "kind": docs.kind,
            "default": docs.default,
            "required": docs.required,
            "description": docs.description,
            "example": docs.example,
            "fields": docs.fields,
        });
        app.output.value(&value, format)?;
    }
    Ok(Exit::Done)
}

fn field_lines(docs: &FieldDoc) -> Vec<Text> {
    let required = if docs.required { ", required" } else { "" };
    let mut lines = vec![Text::toned(Tone::Strong, &docs.path).and(Tone::Dim, format!("  {}{required}", docs.kind))];
    lines.extend(docs.description.lines().map(|line| Text::from(format!("  {line}"))));
    let parts = [("default", docs.default.as_ref()), ("example", docs.example.as_ref())];
    for (name, value) in parts.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        lines.push(Text::toned(Tone::Dim, format!("  {name}  ")).plus(value.to_string()));
    }
    if !docs.fields.is_empty() {
        lines.push(Text::toned(Tone::Dim, "  fields   ").plus(docs.fields.join(" ")));
    }
    lines
}

fn from_disk(name: &str, path: &Path, args: &Args, app: &App) -> Result<Listing, Failure> {
    let compiled = compiled(path, &args.facts.read()?, app)?;
    let Some(desired) = compiled.desired else {
        let report = compiled.report(provost_manifest::Style::Plain);
        return Err(Failure::report(Exit::No, report));
    };
    let Some(automation) = desired.automations.get(name) else {
        return Err(unknown(name, desired.automations.keys().map(provost_model::Name::as_str)));
    };
    let source = |origin: &provost_model::Origin| {
        Source::new(&origin.document, &format!("{:?}", origin.scope), origin.file.as_deref(), origin.line)
    };
    let sources: BTreeMap<_, _> =
        automation.origins.iter().map(|(path, origin)| (path.clone(), source(origin))).collect();
    Ok(effective(&**automation, &sources))
}

fn from_server(name: &str, args: &Args) -> Result<Listing, Failure> {
    let mut found = None;
    block_on(async {
        found = Some(in_force(&client(&args.server)?, name).await?);
        Ok(Exit::Done)
    })?;
    let (values, origins) = found.ok_or_else(|| Failure::silent(Exit::Interrupted))?;
    let source = |origin: OriginItem| Source::new(&origin.document, &origin.scope, origin.file.as_deref(), origin.line);
    Ok(effective(&values, &origins.into_iter().map(|(path, origin)| (path, source(origin))).collect()))
}

/// The effective values of the automation or service `name` of a server, and where each comes from.
async fn in_force(client: &Client, name: &str) -> Result<(Value, BTreeMap<String, OriginItem>), Failure> {
    let automation = match client.automation(name).await {
        Ok(automation) => automation,
        // A service, perhaps; if it is none either, what was said first is told.
        Err(error) => {
            let service = client.service(name).await.map_err(|_| error)?;
            let mut values = serde_json::to_value(&service.container).map_err(Failure::no)?;
            values["restart"] = json!({ "policy": service.restart });
            values["replace"] = service.replace.into();
            values["healthCheck"] = serde_json::to_value(&service.health_check).map_err(Failure::no)?;
            values["hooks"] = serde_json::to_value(&service.hooks).map_err(Failure::no)?;
            return Ok((values, service.origins));
        }
    };
    let mut values = serde_json::to_value(&automation.effective).map_err(Failure::no)?;
    values["hooks"] = serde_json::to_value(&automation.hooks).map_err(Failure::no)?;
    Ok((values, automation.origins))
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let failure = Failure::not_found(format!("there is no automation or service {name:?}"));
    match closest(name, known) {
        Some(near) => failure.help(format!("did you mean {near:?}?")),
        None => failure
            .help("X is a code (E0142), a field (spec.timeout), a server key (server.apply) or the name of an automation or service"),
    }
}
