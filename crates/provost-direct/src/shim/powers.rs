//! What this process may do, and those that it becomes: capabilities of the user namespace that it is in.

use std::io;

use rustix::thread::{
    CapabilitySet, CapabilitySets, capability_is_in_bounding_set, remove_capability_from_bounding_set, set_capabilities,
};

/// Gives up for ever what is not among these.
pub(super) fn bound_by(bound: CapabilitySet) -> io::Result<()> {
    for capability in CapabilitySet::all().difference(bound).iter() {
        // The kernel may not know all of them.
        if capability_is_in_bounding_set(capability).unwrap_or_default() {
            remove_capability_from_bounding_set(capability)?;
        }
    }
    Ok(())
}

/// Has these, and no others.
pub(super) fn hold(held: CapabilitySet) -> io::Result<()> {
    let inheritable = CapabilitySet::empty();
    Ok(set_capabilities(None, CapabilitySets { effective: held, permitted: held, inheritable })?)
}
