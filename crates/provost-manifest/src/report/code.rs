//! The stable codes of everything that can be said about manifests.

use std::fmt;

use serde::{Serialize, Serializer};

/// A stable code, `E0142` or `W0031`; what it means never changes, and a code is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

macro_rules! codes {
    ($($name:ident $text:literal)*) => {
        impl Code {
            $(#[doc = concat!("`", $text, "`, see [`crate::explain`].")] pub const $name: Code = Code($text);)*

            /// All codes, sorted.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];
        }
    };
}

codes! {
    INTERNAL "E0001"

    TOO_LARGE "E0101"
    NOT_UTF8 "E0102"
    CONTROL_CHARACTER "E0103"
    TAB "E0104"
    SYNTAX "E0105"
    NOT_USED "E0106"
    DUPLICATE_KEY "E0107"
    TOO_MUCH "E0108"
    BAD_KEY "E0109"
    NOT_A_MANIFEST "E0110"
    API_VERSION "E0111"
    UNKNOWN_KIND "E0112"
    KIND_NOT_YET "E0113"

    UNKNOWN_FIELD "E0120"
    MISSING_FIELD "E0121"
    WRONG_TYPE "E0122"
    NOT_ONE_OF "E0123"
    OUT_OF_RANGE "E0124"
    BAD_FORM "E0125"
    NULL "E0126"
    TOGETHER "E0127"

    BAD_NAME "E0130"
    SAME_NAME "E0131"
    SAME_HOOK "E0132"
    POLICY_PATH "E0133"

    CRON "E0140"
    INSTANT "E0141"
    TIME_ZONE "E0142"
    IMAGE "E0144"
    PATH "E0145"
    ENV_NAME "E0146"
    PARAM_VALUE "E0147"
    PARAM_UNKNOWN "E0148"
    EXPRESSION "E0149"

    UNKNOWN_CHANNEL "E0150"
    UNKNOWN_AUTOMATION "E0151"
    UNKNOWN_EVENT "E0152"
    TRIGGER_CYCLE "E0153"
    FAILOVER_CYCLE "E0154"
    NO_IMAGE "E0155"
    WRONG_EVENT "E0156"
    CONFIG "E0157"
    UNKNOWN_SECRET "E0158"
    SEALED "E0159"

    ENFORCED "E0160"
    POLICIES_DISAGREE "E0161"
    ABOVE_LIMIT "E0162"
    RULE_BROKEN "E0163"
    RULE_FAILED "E0164"
    NOT_ALLOWED "E0165"
    ALLOW_UNNAMED "E0166"
    NEVER "E0167"

    UNKNOWN_SERVICE "E0170"
    REQUIRES_CYCLE "E0171"
    PORT_TAKEN "E0172"
    UNKNOWN_SKILL "E0173"
    NESTED_SOURCE "E0180"
    SOURCE_MISSING "E0181"

    MORE "W0030"
    CLOCK_CHANGE "W0031"
    CRON_ODD "W0032"
    RULE_AUDIT "W0033"
    SELECTS_NOTHING "W0034"
    PAST "W0035"
    EVENT_TYPO "W0036"
    SOURCE_UNREAD "W0040"
    UNMET "W0041"
    NO_SUCH_PLUGIN "W0042"
}

impl Code {
    /// The code as text.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether it is an error; else it is a warning.
    pub fn is_error(self) -> bool {
        self.0.starts_with('E')
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}
