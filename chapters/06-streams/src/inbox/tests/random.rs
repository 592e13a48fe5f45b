/// Numbers without a pattern, the same ones from the same seed.
pub(super) struct Random {
    state: u64,
}

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random { state: seed }
    }

    /// From 0 to `bound` without it. That the first of them come a trifle more often does not matter
    /// here.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        // SplitMix64: the state counts in steps of an odd number, and each is stirred on its way out.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let stirred = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let stirred = (stirred ^ (stirred >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((stirred ^ (stirred >> 31)) >> 32) as usize % bound
    }

    /// True once in so many times.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}
