//! Worlds in which a defence is taken out.

use provost_controller::{Batch, Store as _};
use provost_store::MemoryStore;

use super::{World, now};

impl World {
    /// The last facts of the store are gone, as if nobody had waited for the disk.
    pub(super) fn forget_last_batch(&mut self) {
        let Some(last) = self.record.ledger.last().map(|noted| noted.at) else {
            return;
        };
        self.record.ledger.retain(|noted| noted.at < last);
        let facts = self.record.ledger.iter().map(|noted| noted.recorded.clone()).collect();
        let store = MemoryStore::new();
        // A new store takes what an old one held.
        let _ = now(store.append(Batch { facts, ..Batch::default() }));
        self.store = store;
    }
}
