//! What the published shapes look like, as snapshots: a change of one is a change of the interface.

mod events;
mod samples;
mod shapes;
