//! What is known of each key of the server configuration, for `provost explain server`.

/// The table in the documentation: the one place where keys are described.
const TABLE: &str = include_str!("server.md");

/// A key of the server configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// `apply`, `source.git`
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What holds when it is left out.
    pub default: &'static str,
}

/// Every key, in the order of the documentation.
pub fn keys() -> Vec<Key> {
    let cells = |line: &'static str| -> Option<Key> {
        let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
        Some(Key { name: cells.next()?.trim_matches('`'), meaning: cells.next()?, default: cells.next()? })
    };
    TABLE.lines().skip(2).filter_map(cells).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_a_key() {
        let keys = keys();
        assert_eq!(keys.len(), TABLE.lines().count() - 2);
        let apply = keys.iter().find(|key| key.name == "apply").unwrap();
        assert_eq!(apply.default, "`Auto`");
        assert!(apply.meaning.contains("`Manual`"));
    }
}
