//! Plans: what a revision would change, or has changed.

use provost_api::wire::{ChangeItem, ChangeVerb, Proposal};

use super::short_revision;
use crate::output::{Text, Tone};

/// The plan: from which revision to which, every change, and their number.
pub fn plan_lines(plan: &Proposal) -> Vec<Text> {
    let from = plan.from.as_deref().map_or("nothing", short_revision);
    let mut lines = vec![
        Text::toned(Tone::Strong, format!("{from} → {}", short_revision(&plan.to)))
            .and(Tone::Dim, format!("  {}", plan.about)),
    ];
    lines.extend(plan.changes.iter().map(change_line));
    lines.push(summary(&plan.changes));
    lines
}

/// `~ Automation/nightly  spec.timeout 10m → 20m  automations/nightly.yaml:8`
pub fn change_line(change: &ChangeItem) -> Text {
    let tone = match change.verb {
        ChangeVerb::Add => Tone::Good,
        ChangeVerb::Change => Tone::Warn,
        ChangeVerb::Remove => Tone::Bad,
    };
    let mut line = Text::toned(tone, format!("{} {}", change.verb.sign(), change.subject));
    if let Some(field) = &change.field {
        line = line.plus(format!("  {field}"));
    }
    line = match (&change.before, &change.after) {
        (Some(before), Some(after)) => line.plus(format!("  {before} → {after}")),
        (Some(before), None) => line.plus(format!("  {before} → nothing")),
        (None, Some(after)) => line.plus(format!("  {after}")),
        (None, None) => line,
    };
    if let Some(effect) = &change.effect {
        line = line.plus(format!("  {effect}"));
    }
    match &change.origin {
        Some(origin) => line.and(Tone::Dim, format!("  {origin}")),
        None => line,
    }
}

fn summary(changes: &[ChangeItem]) -> Text {
    if changes.is_empty() {
        return Text::from("Nothing changes.");
    }
    let subjects = |verb: ChangeVerb| {
        let subjects = changes.iter().filter(|change| change.verb == verb).map(|change| change.subject.as_str());
        subjects.collect::<std::collections::BTreeSet<_>>().len()
    };
    let (added, changed, removed) =
        (subjects(ChangeVerb::Add), subjects(ChangeVerb::Change), subjects(ChangeVerb::Remove));
    Text::from(format!("{added} to add, {changed} to change, {removed} to remove."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(verb: ChangeVerb, subject: &str) -> ChangeItem {
        let (field, before, after, origin, effect) = (None, None, None, None, None);
        ChangeItem { verb, subject: subject.to_owned(), field, before, after, origin, effect }
    }

    #[test]
    fn a_plan_reads_like_a_plan() {
        let text = |text: &str| Some(text.to_owned());
        let timeout = ChangeItem {
            field: text("spec.timeout"),
            before: text("10m"),
            after: text("20m"),
            origin: text("automations/nightly.yaml:8"),
            ..change(ChangeVerb::Change, "Automation/nightly")
        };
        let memory = ChangeItem { field: text("spec.resources.memory"), after: text("1Gi"), ..timeout.clone() };
        let added = ChangeItem { effect: text("first run in 7h"), ..change(ChangeVerb::Add, "Automation/sync") };
        let plan = Proposal {
            id: "8be04d7-a1".to_owned(),
            from: text("3f2a9c1d77aa00112233"),
            to: "8be04d7aaaaaaaaaaaaa".to_owned(),
            about: "Ada: longer".to_owned(),
            changes: vec![timeout, memory, added],
            report: String::new(),
        };
        let lines: Vec<String> = plan_lines(&plan).iter().map(Text::plain).collect();
        let expected = [
            "3f2a9c1d77aa → 8be04d7aaaaa  Ada: longer",
            "~ Automation/nightly  spec.timeout  10m → 20m  automations/nightly.yaml:8",
            "~ Automation/nightly  spec.resources.memory  10m → 1Gi  automations/nightly.yaml:8",
            "+ Automation/sync  first run in 7h",
            "1 to add, 1 to change, 0 to remove.",
        ];
        assert_eq!(lines, expected);
    }
}
