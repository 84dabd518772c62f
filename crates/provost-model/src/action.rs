//! Actions: automations without a schedule, which people and programs start by name.

use serde::{Deserialize, Serialize};

use crate::{Digest, NAME_LENGTH_MAX, Name, PluginName};

/// What makes an automation an action: what it is called, and for which application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionTerms {
    /// The application that it is for.
    pub application: Name,
    /// What callers call it, unique within the application: `DeleteWidgets`.
    pub name: String,
    /// The plugin, or the instance of it, that brings it.
    pub plugin: PluginName,
    /// The plugin's configuration, handed over in `/provost/event.json`.
    pub config: serde_json::Value,
}

impl ActionTerms {
    /// The name of the automation that the action `name` of `application` is: `my-application-delete-widgets`.
    ///
    /// Shape: a DNS label. One that would be too long keeps its head and gets a digest as its tail.
    pub fn automation_name(application: &Name, name: &str) -> Option<Name> {
        let whole = format!("{application}-{}", kebab(name));
        if whole.len() <= NAME_LENGTH_MAX {
            return Name::new(whole).ok();
        }
        let head = whole[..NAME_LENGTH_MAX - 9].trim_end_matches('-');
        Name::new(format!("{head}-{}", &Digest::of(whole.as_bytes()).as_str()[..8])).ok()
    }
}

/// `DeleteWidgets` as `delete-widgets`; what a DNS label cannot hold becomes `-`.
fn kebab(name: &str) -> String {
    let mut label = String::new();
    let mut follows_lower = false;
    for character in name.chars() {
        if character.is_ascii_uppercase() && follows_lower {
            label.push('-');
        }
        follows_lower = character.is_ascii_lowercase() || character.is_ascii_digit();
        label.push(if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' });
    }
    label.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_an_automation_of_a_name_that_people_can_guess() {
        let shop = Name::new("shop").unwrap();
        let name = |action: &str| ActionTerms::automation_name(&shop, action).unwrap().to_string();
        assert_eq!(name("DeleteWidgets"), "shop-delete-widgets");
        assert_eq!(name("delete_widgets"), "shop-delete-widgets");
        assert_eq!(name("V2Import"), "shop-v2-import");
        assert_eq!(name("reindex"), "shop-reindex");
    }

    #[test]
    fn long_names_stay_short_and_distinct() {
        let application = Name::new("a".repeat(40)).unwrap();
        let name = |action: &str| ActionTerms::automation_name(&application, action).unwrap();
        let (one, other) = (name("DeleteEverythingThatIsOldOne"), name("DeleteEverythingThatIsOldTwo"));
        assert!(one.as_str().len() <= NAME_LENGTH_MAX);
        assert_ne!(one, other);
    }
}
