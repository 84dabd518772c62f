//! The history of revisions.

use provost_api::wire::{HistoryItem, HistoryResult};

use super::{json, short_revision};
use crate::output::{Cell, Column, Listing, Row, Text, Times, Tone};

/// The list of what happened to revisions.
pub fn history(items: &[HistoryItem], times: &Times) -> Listing {
    let columns = vec![
        Column::new("REVISION"),
        Column::new("RESULT"),
        Column::new("WHEN"),
        Column::new("BY"),
        Column::new("ABOUT"),
        Column::new("CHANGES"),
    ];
    let rows = items.iter().map(|item| {
        let revision = item.revision.as_deref().unwrap_or_default();
        let changes = match (item.errors, item.summary.as_slice()) {
            (Some(1), _) => "1 error".to_owned(),
            (Some(errors), _) => format!("{errors} errors"),
            (None, [one]) => one.clone(),
            (None, []) => String::new(),
            (None, many) => format!("{} changes", many.len()),
        };
        let cells = vec![
            Cell::exact(short_revision(revision), revision),
            result(item).into(),
            Cell::exact(times.when(item.at), item.at),
            item.by.clone().unwrap_or_default().into(),
            item.about.clone().unwrap_or_default().into(),
            changes.into(),
        ];
        Row { name: revision.to_owned(), cells, json: json(item) }
    });
    Listing { columns, rows: rows.collect(), when_empty: "No revision was seen yet.".to_owned() }
}

fn result(item: &HistoryItem) -> Text {
    let word = item.result.word();
    match item.result {
        HistoryResult::Applied if item.in_force => Text::toned(Tone::Good, "✓ in force"),
        HistoryResult::Applied => Text::toned(Tone::Dim, format!("✓ {word}")),
        HistoryResult::Rejected => Text::toned(Tone::Bad, format!("✗ {word}")),
        HistoryResult::Pinned | HistoryResult::Unpinned => Text::toned(Tone::Warn, format!("‖ {word}")),
    }
}
