//! Chance, from a seed: the same seed throws the same dice.

/// A seeded source of chance.
#[derive(Clone, Debug)]
pub struct Dice(fastrand::Rng);

impl Dice {
    /// The dice of `seed`.
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds are to have nothing in common.
        Self(fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ 0x5851_f42d_4c95_7f2d))
    }

    /// Dice of their own, so that more throws here change nothing there.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.0.fork())
    }

    /// True with `probability`, from 0 to 1.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.0.f64() < probability
    }

    /// True once in `count` throws, on average.
    pub fn one_in(&mut self, count: u32) -> bool {
        self.0.u32(0..count.max(1)) == 0
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.i64(low..=high.max(low))
    }

    /// One of `several`, which are not none.
    pub fn pick<'a, T>(&mut self, several: &'a [T]) -> &'a T {
        &several[self.0.usize(0..several.len())]
    }

    /// One of `several`, if there are any.
    pub fn pick_of<T>(&mut self, mut several: Vec<T>) -> Option<T> {
        if several.is_empty() {
            return None;
        }
        let index = self.0.usize(0..several.len());
        Some(several.swap_remove(index))
    }
}
