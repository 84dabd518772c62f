//! Label selectors: `team=finance,tier!=test,nightly,!legacy`.

use std::collections::BTreeMap;

/// Which labels something has to carry. Every term has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    key: String,
    /// Absent: any value.
    value: Option<String>,
    /// It must not be so.
    not: bool,
}

impl Selector {
    /// Reads a selector; nothing, or only blanks, selects everything.
    ///
    /// # Errors
    /// The term that could not be read, in a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let terms = text.split(',').map(str::trim);
        let terms = terms.filter(|term| !term.is_empty() || text.contains(','));
        terms.map(Term::parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether `labels` are what is asked for.
    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|term| term.holds(labels))
    }
}

impl Term {
    fn parse(text: &str) -> Result<Self, String> {
        let (key, value, not) = match (text.split_once("!="), text.split_once('=')) {
            (Some((key, value)), _) => (key, Some(value), true),
            (None, Some((key, value))) => (key, Some(value.strip_prefix('=').unwrap_or(value)), false),
            (None, None) => match text.strip_prefix('!') {
                Some(key) => (key, None, true),
                None => (text, None, false),
            },
        };
        let (key, value) = (key.trim().to_owned(), value.map(|value| value.trim().to_owned()));
        let is_odd = |text: &str| text.contains(|c: char| c.is_whitespace() || matches!(c, '!' | '=' | '(' | ')'));
        if key.is_empty() || is_odd(&key) || value.as_deref().is_some_and(is_odd) {
            return Err(format!("{text:?} is not a selector's term"));
        }
        Ok(Self { key, value, not })
    }

    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let label = labels.get(&self.key);
        let holds = match &self.value {
            Some(value) => label == Some(value),
            None => label.is_some(),
        };
        holds != self.not
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_select_by_value_presence_and_their_contrary() {
        let labels = [("team", "finance"), ("nightly", "")];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        for (text, selected) in [
            ("", true),
            ("team=finance", true),
            ("team==finance", true),
            ("team=shop", false),
            ("team!=shop", true),
            ("team!=finance", false),
            ("tier!=test", true),
            ("nightly", true),
            ("!nightly", false),
            ("!legacy", true),
            (" team = finance , nightly ", true),
            ("team=finance,legacy", false),
        ] {
            assert_eq!(Selector::parse(text).unwrap().matches(&labels), selected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in ["=x", "!", "a b", "team=a=b", ",", "a,,b", "team in (a)"] {
            assert!(Selector::parse(text).is_err(), "{text}");
        }
    }
}
