use serde_json::{Value, json};

/// Makes scenarios, the same ones from the same seed.
///
/// Some are not made, because both sides are known to differ there:
/// - `connection_made` does not fail (D-07);
/// - `resume_reading` is not called where the end of file may have been told (D-06);
/// - what may cross the high mark is the last thing that a callback does with its transport (FC-03);
/// - pieces of `writelines` are not empty (D-11); with `without_writelines` there are none (D-10);
/// - what came early is received before the first step: asyncio has asked for it before the creator
///   goes on, and we ask after that;
/// - nothing comes between `resume_reading` and what it delivers: we receive what is known to be there
///   before the kernel is asked for news, asyncio does after that.
///
/// And some, because the kernel may do the one thing or the other: received chunks are small, so that
/// one receive takes all that there is; a low mark is zero or far below what is kept, so that it is
/// not reached before the peer reads; in `resume_writing`, when the kernel may be nearly full,
/// nothing is written.
pub(crate) struct Generator {
    state: u64,
    without_writelines: bool,
}

/// Where a step stands, which says what it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Step,
    Callback(&'static str),
}

const CALLBACKS: [&str; 6] = ["made", "data", "eof", "pause", "resume", "lost"];

impl Generator {
    pub(crate) fn new(seed: u64, without_writelines: bool) -> Generator {
        Generator { state: seed, without_writelines }
    }

    pub(crate) fn scenario(&mut self, name: String) -> Value {
        let keep_open = self.chance(40);
        let mut on = serde_json::Map::new();
        for callback in CALLBACKS {
            if self.chance(25) {
                on.insert(callback.to_owned(), self.reactions(callback, keep_open).into());
            }
        }
        if keep_open {
            on.insert("keep_open".to_owned(), true.into());
        }
        let count = 3 + self.below(12);
        let mut steps = Vec::new();
        for _ in 0..count {
            let step = self.step(keep_open);
            let resumes = step[0] == "resume_reading";
            steps.push(step);
            if resumes {
                steps.push(json!(["settle"]));
            }
        }
        if self.chance(90) {
            return json!({"name": name, "on": on, "do": steps});
        }
        steps.insert(0, json!(["settle"]));
        json!({"name": name, "early": 1 + self.below(100), "on": on, "do": steps})
    }

    fn step(&mut self, keep_open: bool) -> Value {
        match self.below(20) {
            0..5 => json!(["settle"]),
            5 | 6 => json!(["peer_send", 1 + self.below(1000)]),
            7 | 8 => json!(["peer_drain"]),
            9 => json!(["peer_shutdown"]),
            10 if self.chance(50) => json!(["peer_close"]),
            10 => json!(["peer_rst"]),
            11 | 12 => json!(["fill"]),
            13 => json!(["q"]),
            _ => self.act(Place::Step, keep_open).0,
        }
    }

    fn reactions(&mut self, callback: &'static str, keep_open: bool) -> Vec<Value> {
        let mut reactions = Vec::new();
        if self.chance(40) {
            reactions.push(json!(["only", 1 + self.below(2)]));
        }
        let mut may_cross = false;
        for _ in 0..self.below(4) {
            let (act, crosses) = self.act(Place::Callback(callback), keep_open);
            reactions.push(act);
            may_cross = crosses;
            if may_cross {
                break;
            }
        }
        let is_told_first = !(callback == "resume" && may_cross);
        if callback != "made" && is_told_first && self.chance(15) {
            reactions.push(json!(["raise"]));
        }
        reactions
    }

    /// Something to do to the transport, and whether it may cross the high mark.
    fn act(&mut self, place: Place, keep_open: bool) -> (Value, bool) {
        let is_resume = place == Place::Callback("resume");
        match self.below(12) {
            0 => (json!(["close"]), false),
            1 => (json!(["abort"]), false),
            2 => (json!(["write_eof"]), false),
            3 => (json!(["pause_reading"]), false),
            4 if !keep_open => (json!(["resume_reading"]), false),
            5 | 6 if !is_resume => (self.limits(), true),
            5 | 6 => (json!(["limits", {"high": 100_000_000, "low": 0}]), false),
            7 | 8 if !is_resume => (self.write(), true),
            9 if place == Place::Step => (json!(["write", 2_000_000]), true),
            10 if !is_resume && !self.without_writelines => {
                let pieces: Vec<u64> = (0..self.below(4)).map(|_| 1 + self.below(50)).collect();
                (json!(["writelines", pieces]), true)
            }
            11 => (json!(["mark", self.below(10)]), false),
            _ => (json!(["q"]), false),
        }
    }

    fn write(&mut self) -> Value {
        if self.chance(15) { json!(["write", 0]) } else { json!(["write", 1 + self.below(100)]) }
    }

    fn limits(&mut self) -> Value {
        match self.below(7) {
            0 | 1 => json!(["limits", {"high": 0}]),
            2 => json!(["limits", {"low": 0}]),
            3 => json!(["limits", {}]),
            4 => json!(["limits", {"high": 1, "low": 2}]),
            // Just not above it, just above it, and a few writes more.
            5 => json!(["limits_from_size", {"high": self.below(3)}]),
            _ => json!(["limits", {"high": 100_000_000, "low": 0}]),
        }
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// The next number of the sequence, from 0 to `bound` without it. That the first of them come a
    /// trifle more often does not matter here.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// SplitMix64: the state counts in steps of an odd number, and each is stirred on its way out.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let stirred = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let stirred = (stirred ^ (stirred >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        stirred ^ (stirred >> 31)
    }
}
