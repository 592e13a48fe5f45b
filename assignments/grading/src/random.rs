/// Numbers that look random and that a seed repeats: SplitMix64 (Steele, Lea, Flood, 2014).
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The numbers of `seed`, other ones for each `purpose`: what one check draws does not depend on
    /// which others are run.
    pub fn new(seed: u64, purpose: &str) -> Random {
        // FNV-1a, which is the same on every machine and in every version of Rust.
        let hash = purpose.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Random { state: seed ^ hash }
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`, both included.
    ///
    /// # Panics
    ///
    /// If `least` is more than `most`.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        assert!(least <= most, "no number lies between {least} and {most}");
        let count = (most - least) as u64 + 1;
        least + (self.number() % count) as usize
    }

    /// One of `choices`.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn choice<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.between(0, choices.len() - 1)]
    }

    /// A word of lower-case letters, of `least` to `most` of them.
    pub fn word(&mut self, least: usize, most: usize) -> String {
        let count = self.between(least, most);
        (0..count).map(|_| char::from(b'a' + self.between(0, 25) as u8)).collect()
    }

    /// `count` bytes of any value.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.number() as u8).collect()
    }

    /// `items` in another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.between(0, place));
        }
    }

    /// `bytes` in pieces of 1 to `longest` bytes.
    pub fn pieces<'b>(&mut self, mut bytes: &'b [u8], longest: usize) -> Vec<&'b [u8]> {
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(self.between(1, longest.min(bytes.len())));
            pieces.push(piece);
            bytes = rest;
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_numbers_and_another_purpose_has_others() {
        let draw = |seed, purpose| {
            let mut random = Random::new(seed, purpose);
            [random.number(), random.number()]
        };
        assert_eq!(draw(7, "a"), draw(7, "a"));
        assert_ne!(draw(7, "a"), draw(7, "b"));
        assert_ne!(draw(7, "a"), draw(8, "a"));
        // From the authors' own program, for the seed 0 without a purpose's hash.
        assert_eq!(Random { state: 0 }.number(), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn pieces_are_the_whole_in_its_order() {
        let mut random = Random::new(1, "pieces");
        let bytes = random.bytes(1000);
        let pieces = random.pieces(&bytes, 7);
        assert!(pieces.iter().all(|piece| (1..=7).contains(&piece.len())));
        assert_eq!(pieces.concat(), bytes);
    }

    #[test]
    fn both_ends_of_a_range_are_drawn_and_nothing_beyond() {
        let mut random = Random::new(1, "range");
        let mut drawn: Vec<usize> = (0..100).map(|_| random.between(3, 5)).collect();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn, [3, 4, 5]);
    }
}
