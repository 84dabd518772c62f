//! `provost doctor`: one page of what is wrong on this server, and how to mend it.

use std::path::PathBuf;

use serde_json::json;

use crate::app::{App, FormatArgs};
use crate::config::ServerArgs;
use crate::doctor::{Finding, Level, examine, gather};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Format, Text, Tone};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The server configuration file
    #[arg(long, value_name = "FILE", env = "PROVOST_CONFIG", default_value = "/etc/provost/server.yaml")]
    config: PathBuf,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command. Ends with 1 if there is a problem.
pub async fn run(args: Args, app: &mut App) -> Outcome {
    let evidence = gather(&args.config, args.server.find_socket()?, app.times.now).await;
    let findings = examine(&evidence);
    let problems = count(&findings, Level::Problem);
    match args.format.format {
        format @ (Format::Json | Format::Yaml) => {
            let warnings = count(&findings, Level::Warning);
            let value = json!({"problems": problems, "warnings": warnings, "findings": findings});
            app.output.value(&value, format)?;
        }
        Format::Table | Format::Wide => page(&findings).into_iter().try_for_each(|line| app.output.line(line))?,
        Format::Name | Format::Csv => {
            return Err(Failure::usage("findings are sentences, and no list of names or values").help("use -o json"));
        }
    }
    Ok(if problems == 0 { Exit::Done } else { Exit::No })
}

fn count(findings: &[Finding], level: Level) -> usize {
    findings.iter().filter(|finding| finding.level == level).count()
}

/// The page for people: what is wrong first, what is well below.
fn page(findings: &[Finding]) -> Vec<Text> {
    let of = |level| findings.iter().filter(move |finding| finding.level == level).flat_map(lines);
    let bad: Vec<Text> = of(Level::Problem).chain(of(Level::Warning)).collect();
    let mut page = vec![headline(count(findings, Level::Problem), count(findings, Level::Warning)), Text::default()];
    if !bad.is_empty() {
        page.extend(bad);
        page.push(Text::default());
    }
    page.extend(of(Level::Ok));
    page
}

fn headline(problems: usize, warnings: usize) -> Text {
    let word = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    match (problems, warnings) {
        (0, 0) => Text::toned(Tone::Good, "✓ all is well"),
        (0, warnings) => Text::toned(Tone::Warn, format!("! {}", word(warnings, "warning"))),
        (problems, 0) => Text::toned(Tone::Bad, format!("✗ {}", word(problems, "problem"))),
        (problems, warnings) => {
            Text::toned(Tone::Bad, format!("✗ {}, {}", word(problems, "problem"), word(warnings, "warning")))
        }
    }
}

/// The width of the words before what was found.
const MARGIN: usize = 17;

fn lines(finding: &Finding) -> Vec<Text> {
    let (tone, glyph) = match finding.level {
        Level::Ok => (Tone::Good, "✓"),
        Level::Warning => (Tone::Warn, "!"),
        Level::Problem => (Tone::Bad, "✗"),
    };
    let mut what = finding.what.lines();
    let head = Text::toned(tone, format!("{glyph} ")).plus(finding.about).padded(MARGIN);
    let below = |text: &str| Text::from(" ".repeat(MARGIN)).plus(text);
    let mut lines = vec![head.plus(what.next().unwrap_or_default())];
    lines.extend(what.map(below));
    if let Some(mend) = &finding.mend {
        let mend = mend.lines().map(|line| Text::from(" ".repeat(MARGIN)).and(Tone::Dim, format!("→ {line}")));
        lines.extend(mend);
    }
    lines
}
