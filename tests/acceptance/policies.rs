//! Policies: written once, in force for automations that know nothing of them.
