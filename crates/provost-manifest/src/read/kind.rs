//! Kinds of manifests.

use std::fmt;

/// A kind of manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A container, and when it runs.
    Automation,
    /// Where notifications go.
    Channel,
    /// A group of hooks that belong together.
    Plugin,
    /// What holds for many automations.
    Policy,
    /// A sealed value.
    Secret,
    /// A container that is kept up.
    Service,
    /// Manifests that are kept elsewhere.
    Source,
}

impl Kind {
    /// All kinds, in the order of the alphabet.
    pub const ALL: [Kind; 7] =
        [Kind::Automation, Kind::Channel, Kind::Plugin, Kind::Policy, Kind::Secret, Kind::Service, Kind::Source];

    /// Kinds that Provost will have, and this version has not.
    pub(crate) const PLANNED: [&str; 3] = ["Application", "Protection", "Server"];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Automation => "Automation",
            Kind::Channel => "Channel",
            Kind::Plugin => "Plugin",
            Kind::Policy => "Policy",
            Kind::Secret => "Secret",
            Kind::Service => "Service",
            Kind::Source => "Source",
        }
    }

    /// The kind that is written so.
    pub fn parse(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
