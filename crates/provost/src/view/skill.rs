//! Skills.

use provost_api::wire::SkillItem;

use super::action::param_text;
use super::json;
use crate::output::{Column, Listing, Row};

/// The list of skills.
pub fn skills(items: &[SkillItem]) -> Listing {
    let columns = vec![
        Column::new("SKILL"),
        Column::new("PROVIDER"),
        Column::new("BY"),
        Column::new("PARAMS"),
        Column::new("DESCRIPTION"),
    ];
    let rows = items.iter().map(|item| {
        let params: Vec<String> = item.params.iter().map(|(name, param)| param_text(name, param)).collect();
        let description = item.description.as_deref().unwrap_or_default();
        let cells = [&item.name, &item.provider, item.kind.word(), &params.join(" "), description];
        Row { name: item.name.clone(), cells: cells.map(Into::into).into(), json: json(item) }
    });
    Listing { columns, rows: rows.collect(), when_empty: "There are no skills.".to_owned() }
}
