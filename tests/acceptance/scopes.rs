//! Which value holds, and who said so.
