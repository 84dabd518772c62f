//! Patterns of texts. Each is compiled once, however many fields of however many kinds have it: compiled apart, they would
//! take most of what an idle server takes.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use fancy_regex::Regex;
use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};

use serde_json::{Map, Value};

/// What stands for `pattern` in the schemas that manifests are checked against.
const KEYWORD: &str = "x-pattern";

static COMPILED: LazyLock<Mutex<BTreeMap<String, Arc<Regex>>>> = LazyLock::new(Mutex::default);

/// Compiles a schema of ours for checking.
///
/// Errors: what is wrong with it; one that does not compile fails every test.
pub(super) fn compile(schema: &Value) -> Result<jsonschema::Validator, String> {
    let mut schema = schema.clone();
    rename(&mut schema);
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft7).with_keyword(KEYWORD, keyword);
    options.build(&schema).map_err(|error| error.to_string())
}

fn rename(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            // A field may be called `pattern`: its schema is an object.
            if map.get("pattern").is_some_and(Value::is_string)
                && let Some(pattern) = map.remove("pattern")
            {
                map.insert(KEYWORD.to_owned(), pattern);
            }
            map.values_mut().for_each(rename);
        }
        Value::Array(items) => items.iter_mut().for_each(rename),
        _ => {}
    }
}

struct Pattern(Arc<Regex>);

impl<'i> Keyword<'i> for Pattern {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) { Ok(()) } else { Err(ValidationError::custom("it is not of the form")) }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        instance.as_str().is_none_or(|text| self.0.is_match(text).unwrap_or(false))
    }
}

fn keyword<'a>(
    _parent: &'a Map<String, Value>,
    pattern: &'a Value,
    _place: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    let pattern = pattern.as_str().unwrap_or_default();
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let regex = match compiled.get(pattern) {
        Some(regex) => Arc::clone(regex),
        None => {
            let regex = Regex::new(pattern).map_err(|error| ValidationError::custom(error.to_string()))?;
            let regex = Arc::new(regex);
            compiled.insert(pattern.to_owned(), Arc::clone(&regex));
            regex
        }
    };
    Ok(Box::new(Pattern(regex)))
}
