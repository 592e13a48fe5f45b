use serde_json::{Value, json};

/// Makes scripts, the same ones from the same seed.
pub(crate) struct Generator {
    state: u64,
    has_several_separators: bool,
}

/// So few that separators, and beginnings of them, are frequent.
const ALPHABET: &[u8] = b"ab\r\n";

/// One, and several of them.
const SEPARATORS: [&str; 6] = ["\n", "\r\n", "\r\n\r\n", "aab", "b", ""];
const SEVERAL: [&[&str]; 4] =
    [&["\n", "\r\n"], &["abab", "b", "ba"], &["a\r", "\r\nab"], &["a", ""]];

impl Generator {
    pub(crate) fn new(seed: u64, has_several_separators: bool) -> Generator {
        Generator { state: seed, has_several_separators }
    }

    /// Bytes and reads in turn, then the end, and a few reads behind it.
    pub(crate) fn script(&mut self) -> Value {
        let mut steps = Vec::new();
        for _ in 0..4 + self.below(16) {
            steps.push(match self.below(8) {
                0..3 => json!(["feed", self.text()]),
                3 => json!(["feed_unseen", self.text()]),
                4 => json!(["give_up"]),
                _ => self.read(),
            });
        }
        steps.push(if self.below(3) == 0 { json!(["lose"]) } else { json!(["eof"]) });
        for _ in 0..1 + self.below(5) {
            steps.push(self.read());
        }
        json!({"limit": 1 + self.below(8), "steps": steps})
    }

    fn read(&mut self) -> Value {
        match self.below(8) {
            0 => json!(["read", self.below(6)]),
            1 => json!(["read_to_end"]),
            2 => json!(["readexactly", self.below(8)]),
            3 if self.has_several_separators => {
                let several = SEVERAL[self.below(SEVERAL.len())];
                json!(["readuntil", several])
            }
            3..5 => {
                let separator = SEPARATORS[self.below(SEPARATORS.len())];
                json!(["readuntil", [separator]])
            }
            _ => json!(["readline"]),
        }
    }

    fn text(&mut self) -> String {
        let most = if self.below(2) == 0 { 3 } else { 12 };
        (0..self.below(most)).map(|_| char::from(ALPHABET[self.below(ALPHABET.len())])).collect()
    }

    /// The next number of the sequence, from 0 to `bound` without it. That the first of them come a
    /// trifle more often does not matter here.
    fn below(&mut self, bound: usize) -> usize {
        // SplitMix64: the state counts in steps of an odd number, and each is stirred on its way out.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let stirred = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let stirred = (stirred ^ (stirred >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((stirred ^ (stirred >> 31)) >> 32) as usize % bound
    }
}
