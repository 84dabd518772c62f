//! A set of small numbers.

/// A set of numbers below 64, as bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Set(u64);

impl Set {
    /// All of `least..=most`.
    pub(crate) fn range(least: u8, most: u8) -> Set {
        (least..=most).fold(Set::default(), Set::with)
    }

    pub(crate) fn with(self, value: u8) -> Set {
        Set(self.0 | 1 << value)
    }

    pub(crate) fn union(self, other: Set) -> Set {
        Set(self.0 | other.0)
    }

    pub(crate) fn contains(self, value: u8) -> bool {
        self.0 & (1 << value) != 0
    }

    pub(crate) fn len(self) -> u64 {
        u64::from(self.0.count_ones())
    }

    /// Those below `limit`, which is at most 63.
    pub(crate) fn below(self, limit: u8) -> Set {
        Set(self.0 & ((1 << limit) - 1))
    }

    pub(crate) fn and(self, other: Set) -> Set {
        Set(self.0 & other.0)
    }

    /// In rising order.
    pub(crate) fn iter(self) -> impl Iterator<Item = u8> {
        (0..64).filter(move |value| self.contains(*value))
    }

    pub(crate) fn first(self) -> Option<u8> {
        self.iter().next()
    }
}
