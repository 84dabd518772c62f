//! How people change a shop.

use super::text::{KEYS, image, plugin_hooks, value_of};
use super::{Fields, Shop};
use crate::Dice;

impl Shop {
    /// One edit by chance: a field, a new automation, a renaming, a removal, a policy, the plugin.
    pub fn edit(&mut self, dice: &mut Dice) {
        match dice.between(0, 11) {
            0 => self.add_automation(dice),
            1 => self.rename(dice),
            2 => self.remove(dice),
            3 | 4 => self.edit_policy(dice),
            5 => self.plugin = if self.plugin.is_empty() { plugin_hooks(dice) } else { Vec::new() },
            6 => self.build(),
            _ => self.edit_field(dice),
        }
    }

    /// The last that a seed applies: nothing is due any more, and everything may come to its end.
    pub fn retire(&mut self) {
        for fields in self.automations.values_mut() {
            fields.remove("schedule");
            fields.remove("triggers");
        }
        for fields in self.policies.values_mut() {
            fields.remove("freeze");
        }
    }

    /// What people do who mistype: the same, with an error in it.
    pub fn broken_text(&self, dice: &mut Dice) -> String {
        let errors = [
            "---\napiVersion: provost/v1\nkind: Automation\nmetadata: {name: typo}\nspec: {imgae: \"job:1\"}\n",
            "---\napiVersion: provost/v1\nkind: Automation\nmetadata: {name: never}\nspec: {image: \"job:1\", schedule: \"0 0 31 2 *\"}\n",
            "---\napiVersion: provost/v1\nkind: Automation\nmetadata: {name: half\n",
        ];
        self.text() + *dice.pick(&errors)
    }

    fn edit_field(&mut self, dice: &mut Dice) {
        let key = *dice.pick(&KEYS);
        let Some(name) = self.any(dice) else { return };
        // Only from those before it, so that triggers make no circle.
        let before: Vec<String> = self.names().into_iter().take_while(|other| *other != name).collect();
        let value = value_of(key, dice, &before, 1);
        if let Some(fields) = self.automations.get_mut(&name) {
            match value {
                Some(value) => drop(fields.insert(key, value)),
                None => drop(fields.remove(key)),
            }
        }
    }

    fn rename(&mut self, dice: &mut Dice) {
        let Some(name) = self.any(dice) else { return };
        self.names += 1;
        let new = format!("job-{:02}", self.names);
        if let Some(fields) = self.automations.remove(&name) {
            self.forget(&name);
            // It is the last now; whom it listened to may come after it.
            self.automations.insert(new, fields);
        }
        self.drop_circles();
    }

    fn remove(&mut self, dice: &mut Dice) {
        if self.automations.len() > 1
            && let Some(name) = self.any(dice)
        {
            self.automations.remove(&name);
            self.forget(&name);
        }
    }

    /// Nobody listens to `name` any more.
    fn forget(&mut self, name: &str) {
        let of = format!("from: {name}}}");
        let listens = |fields: &Fields| fields.get("triggers").is_some_and(|triggers| triggers.contains(&of));
        for fields in self.automations.values_mut().filter(|fields| listens(fields)) {
            fields.remove("triggers");
        }
    }

    fn drop_circles(&mut self) {
        let names = self.names();
        for (index, name) in names.iter().enumerate() {
            let later = &names[index..];
            let Some(fields) = self.automations.get_mut(name) else { continue };
            let listens = |triggers: &String| later.iter().any(|other| triggers.contains(&format!("from: {other}}}")));
            if fields.get("triggers").is_some_and(listens) {
                fields.remove("triggers");
            }
        }
    }

    fn edit_policy(&mut self, dice: &mut Dice) {
        if self.policies.contains_key("team") && dice.one_in(3) {
            self.policies.remove("team");
        } else {
            let name = if dice.one_in(3) { "team" } else { "shop" };
            self.add_policy(dice, name);
        }
    }

    /// A new build: every automation gets a new image.
    fn build(&mut self) {
        self.builds += 1;
        for fields in self.automations.values_mut() {
            fields.insert("image", image("job", self.builds));
        }
    }

    fn any(&self, dice: &mut Dice) -> Option<String> {
        dice.pick_of(self.names())
    }
}
