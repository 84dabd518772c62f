//! What each code means, at length.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::report::Code;

/// One section a code: `## E0142 Unknown time zone`, a paragraph, a wrong and a right example.
const TEXT: &str = include_str!("codes.md");

static SECTIONS: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    let sections = TEXT.split("\n## ").skip(1);
    sections.filter_map(|section| Some((section.split_whitespace().next()?, section.trim_end()))).collect()
});

/// What `code` (`E0142`) means, with a wrong and a right example, as Markdown; `None` for a code that there is not.
pub fn explain(code: &str) -> Option<&'static str> {
    let code = code.to_ascii_uppercase();
    Code::ALL.iter().find(|known| known.as_str() == code).and_then(|known| SECTIONS.get(known.as_str()).copied())
}
