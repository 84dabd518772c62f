//! What can be written: one definition of each kind, which gives the reader, the schema and the reference.
//!
//! No `flatten`, `untagged` or `tag` here: with them errors lose their place, and editors their completion. What may be
//! written in several ways (a schedule, retries) says so by hand in [`forms`].

#[macro_use]
mod shared;

mod action;
mod automation;
mod channel;
mod decide;
mod forms;
mod hook;
mod plugin;
mod policy;
mod secret;
mod service;
mod skill;
mod source;
mod text;
mod units;

pub(crate) use action::ActionSpec;
pub(crate) use automation::{AutomationSpec, NotifySpec, ParamSpec};
pub(crate) use channel::ChannelSpec;
pub(crate) use decide::{DecideSpec, QUESTIONS};
pub(crate) use forms::ScheduleItem;
pub(crate) use hook::HookSpec;
pub(crate) use plugin::{InstanceSpec, PluginSpec, RequiredMachineSpec};
pub(crate) use policy::{Allow, PolicySpec, RuleMode, SubjectKind};
pub(crate) use secret::SecretSpec;
pub(crate) use service::{HealthCheckSpec, RequiresSpec, RestartSpec, ServiceSpec};
pub(crate) use shared::{HistorySpec, SecretUseSpec, Settings, VolumeSpec};
pub(crate) use skill::{AccessSpec, ProvideSpec, ScopeSpec, SkillSpec};
pub(crate) use source::SourceSpec;
pub(crate) use text::NameText;
pub(crate) use units::{Bytes, Millicores, Seconds};

use std::collections::BTreeMap;

use provost_model::Name;
use schemars::JsonSchema;
use serde::Deserialize;

/// What a manifest is called and labelled.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Metadata {
    /// The name: a DNS label of at most 52 characters, unique among its kind.
    #[schemars(with = "NameText", extend("examples" = ["nightly-report"]))]
    pub name: Name,
    /// Labels that policies and people select by.
    #[serde(default)]
    #[schemars(extend("examples" = [{"team": "finance"}]))]
    pub labels: BTreeMap<String, String>,
    /// What it is for, for people.
    pub description: Option<String>,
}
