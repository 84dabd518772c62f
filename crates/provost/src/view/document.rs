//! Documents.

use provost_api::wire::DocumentItem;

use super::json;
use crate::output::{Cell, Column, Listing, Row, Times};

/// The list of documents.
pub fn documents(items: &[DocumentItem], times: &Times) -> Listing {
    let columns = ["DOCUMENT", "BYTES", "WRITTEN", "BY"].map(Column::new).into();
    let rows = items.iter().map(|item| {
        let at = Cell::exact(times.relative(item.at), item.at);
        let cells = vec![item.name.as_str().into(), item.bytes.to_string().into(), at, item.by.as_str().into()];
        Row { name: item.name.clone(), cells, json: json(item) }
    });
    Listing { columns, rows: rows.collect(), when_empty: "There are no documents.".to_owned() }
}
