//! Programs as the runtime sees them: names, empty configurations, loads that fail, invented events, late starts.
