//! What may be written in several ways, with its schema by hand.
//!
//! The schemas use that `properties` speaks of objects only and `items` of lists only: without `anyOf`, so that an error
//! says what is wrong instead of "matches none of these".

use std::borrow::Cow;

use provost_schedule::{OnFold, OnGap};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::kinds::Seconds;

/// One rule by which an automation is due: `cron`, `every` or `at`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ScheduleItem {
    /// Five fields (minute, hour, day of month, month, day of week), or `@hourly`, `@daily`, `@midnight`, `@weekly`,
    /// `@monthly`, `@yearly`, `@annually`.
    #[schemars(extend("examples" = ["0 2 * * *"]))]
    pub cron: Option<String>,
    /// A period, counted from 1970-01-01T00:00:00Z, so that a restart does not shift it.
    #[schemars(extend("examples" = ["90s"]))]
    pub every: Option<Seconds>,
    /// Once, at this instant.
    #[schemars(extend("examples" = ["2027-01-01T00:00:00Z"]))]
    pub at: Option<String>,
    /// The IANA time zone of `cron`; absent: `spec.timeZone`.
    #[schemars(extend("examples" = ["Europe/Berlin"]))]
    pub time_zone: Option<String>,
    /// Starts are spread over this long after the due time, by a hash of name and due time.
    #[schemars(extend("examples" = ["5m"]))]
    pub jitter: Option<Seconds>,
    /// What happens to a fixed due time that the clocks skip: it starts at the next valid instant (`NextValid`, the
    /// default), or not (`Skip`).
    #[schemars(with = "Option<OnGapText>", extend("examples" = ["Skip"]))]
    pub on_gap: Option<OnGap>,
    /// What happens to a fixed due time that the clocks show twice: it starts the first time (`First`, the default), or
    /// both times (`Both`).
    #[schemars(with = "Option<OnFoldText>", extend("examples" = ["Both"]))]
    pub on_fold: Option<OnFold>,
}

/// One rule or several: a cron expression, an object, or a list of these.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Schedules(pub Vec<ScheduleItem>);

impl<'de> Deserialize<'de> for Schedules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let item = |value: Value| match value {
            Value::String(cron) => Ok(ScheduleItem { cron: Some(cron), ..ScheduleItem::default() }),
            value => ScheduleItem::deserialize(value),
        };
        let items = match Value::deserialize(deserializer)? {
            Value::Array(values) => values.into_iter().map(item).collect::<Result<_, _>>(),
            value => item(value).map(|item| vec![item]),
        };
        items.map(Self).map_err(de::Error::custom)
    }
}

impl JsonSchema for Schedules {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Schedules".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = ScheduleItem::json_schema(generator);
        let properties = item.get("properties").cloned().unwrap_or_default();
        json_schema!({
            "type": ["string", "object", "array"],
            "properties": properties,
            "additionalProperties": false,
            "minItems": 1,
            "items": { "type": ["string", "object"], "properties": properties, "additionalProperties": false },
            "examples": ["0 2 * * *", { "every": "90s" }],
        })
    }
}

/// How often, and how, a failed attempt is tried again.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RetriesSpec {
    pub limit: Option<u32>,
    pub backoff: Option<Seconds>,
    pub max_backoff: Option<Seconds>,
}

/// The long way to write [`RetriesSpec`].
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RetriesObject {
    /// Attempts never exceed this and one more.
    #[schemars(range(max = 1000), extend("examples" = [2]))]
    limit: Option<u32>,
    /// The pause before the second attempt; it doubles with each further one.
    #[schemars(extend("examples" = ["30s"]))]
    backoff: Option<Seconds>,
    /// The longest pause.
    #[schemars(extend("examples" = ["10m"]))]
    max_backoff: Option<Seconds>,
}

impl<'de> Deserialize<'de> for RetriesSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if let Some(limit) = value.as_u64() {
            let limit = u32::try_from(limit).map_err(de::Error::custom)?;
            return Ok(Self { limit: Some(limit), ..Self::default() });
        }
        let RetriesObject { limit, backoff, max_backoff } =
            RetriesObject::deserialize(value).map_err(de::Error::custom)?;
        Ok(Self { limit, backoff, max_backoff })
    }
}

impl JsonSchema for RetriesSpec {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Retries".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let object = RetriesObject::json_schema(generator);
        json_schema!({
            "type": ["integer", "object"],
            "minimum": 0,
            "maximum": 1000,
            "properties": object.get("properties").cloned().unwrap_or_default(),
            "additionalProperties": false,
            "examples": [2, { "limit": 2, "backoff": "30s", "maxBackoff": "10m" }],
        })
    }
}

/// Declares the schema of an enum that another crate defines.
macro_rules! words {
    ($($name:ident: $($word:literal)*;)*) => {
        $(
            #[doc = concat!("The words of an enum, for the schema: ", $("`", $word, "` ",)*)]
            pub(crate) struct $name;

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "type": "string", "enum": [$($word),*] })
                }
            }
        )*
    };
}

words! {
    PullPolicyText: "IfNotPresent" "Always" "Never";
    ConcurrencyText: "Forbid" "Queue" "Replace" "Allow";
    CatchUpText: "None" "Last" "All";
    OnGapText: "NextValid" "Skip";
    OnFoldText: "First" "Both";
    VolumeScopeText: "Server" "Automation" "Run";
    StageText: "Pre" "Main" "Post";
    OnErrorText: "Fail" "Ignore";
    ParamTypeText: "string" "integer" "number" "boolean";
    VerdictText: "Allow" "Deny";
    RestartText: "OnFailure" "Always";
    ReplacementText: "StartFirst" "StopFirst";
    ArchitectureText: "amd64" "arm64" "arm" "386" "ppc64le" "riscv64" "s390x";
}
