//! A server that is killed, an engine that goes away: containers go on, and are found again.
