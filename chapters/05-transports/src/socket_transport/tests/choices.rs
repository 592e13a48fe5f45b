/// Every way through a test that asks again and again which of some things to do, one way a run, and
/// none twice.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// What was chosen at each question, and of how many.
    path: Vec<(usize, usize)>,
    /// How many questions this run has asked.
    asked: usize,
}

impl Choices {
    /// The choice of this run, below `options`. Before the first question that is new it is that of
    /// the last run, at new ones 0.
    pub(super) fn choose(&mut self, options: usize) -> usize {
        if self.asked == self.path.len() {
            self.path.push((0, options));
        }
        let (chosen, of) = self.path[self.asked];
        assert_eq!(of, options, "a run asks as the last one did");
        self.asked += 1;
        chosen
    }

    /// Goes to the next run. `false`: that was the last.
    pub(super) fn advance(&mut self) -> bool {
        self.asked = 0;
        while let Some((chosen, options)) = self.path.last_mut() {
            *chosen += 1;
            if chosen < options {
                return true;
            }
            self.path.pop();
        }
        false
    }
}

#[test]
fn every_way_is_taken_once() {
    let mut choices = Choices::default();
    let mut ways = Vec::new();
    loop {
        let first = choices.choose(3);
        let second = if first == 1 { Some(choices.choose(2)) } else { None };
        ways.push((first, second));
        if !choices.advance() {
            break;
        }
    }
    assert_eq!(ways, [(0, None), (1, Some(0)), (1, Some(1)), (2, None)]);
}
