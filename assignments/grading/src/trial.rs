use crate::client::Client;
use crate::panics;
use crate::random::Random;
use crate::run;
use crate::serving::Serving;
use crate::shown::{difference, shown};
use crate::story::{Story, Verdict};
use crate::threads::{self, Thread};
use std::collections::VecDeque;
use std::fmt::{Debug, Display};
use std::net::SocketAddr;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};

/// How many steps a story has at most, and how many events.
const STEPS_MAX: usize = 12;

/// One run of one check: its notes, from which its story is made, and its random numbers.
#[derive(Debug)]
pub struct Trial {
    notes: Notes,
    random: Random,
    selector: Option<String>,
    clients: usize,
}

impl Trial {
    /// The trial of the check `name`. `selector` is what a chapter with a choice is to wait with.
    pub fn new(seed: u64, name: &str, selector: Option<String>) -> Trial {
        Trial { notes: Notes::default(), random: Random::new(seed, name), selector, clients: 0 }
    }

    /// The check's random numbers.
    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// `mio` or `polling`, in a chapter that has the choice.
    ///
    /// # Panics
    ///
    /// If the assignment's manifest does not say that the chapter has it.
    pub fn selector(&self) -> &str {
        self.selector.as_deref().expect("the manifest says `selectors = true`")
    }

    /// The notes, for whoever writes in them from elsewhere: a fake socket, the server's thread.
    pub fn notes(&self) -> Notes {
        self.notes.clone()
    }

    /// Notes what is done: `push(b"ab\r")`.
    pub fn did(&self, step: impl Display) {
        self.notes.did(step);
    }

    /// Content if both are equal. `what` names the thing: `the line`.
    ///
    /// # Errors
    ///
    /// The story that ends with them.
    pub fn expect<T: PartialEq + Debug>(
        &self,
        what: &str,
        expected: &T,
        came: &T,
        why: &str,
    ) -> Verdict {
        if expected == came {
            return Ok(());
        }
        self.fail(format!("{what}: {expected:?}"), format!("{came:?}"), why)
    }

    /// As [`expect`](Trial::expect) for bytes, which are shown as such.
    ///
    /// # Errors
    ///
    /// The story that ends with them.
    pub fn expect_bytes(&self, what: &str, expected: &[u8], came: &[u8], why: &str) -> Verdict {
        if expected == came {
            return Ok(());
        }
        let came = match difference(expected, came) {
            Some(difference) => format!("{}; {difference}", shown(came)),
            None => shown(came),
        };
        self.fail(format!("{what}: {}", shown(expected)), came, why)
    }

    /// Content if `holds`.
    ///
    /// # Errors
    ///
    /// The story that ends with `expected` and `came`.
    pub fn ensure(
        &self,
        holds: bool,
        expected: impl Display,
        came: impl Display,
        why: &str,
    ) -> Verdict {
        if holds { Ok(()) } else { self.fail(expected, came, why) }
    }

    /// The story that ends here.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn fail(&self, expected: impl Display, came: impl Display, why: &str) -> Verdict {
        Err(self.notes.story(expected, came, why))
    }

    /// Connects the next client: they are called client-1, client-2 and so on.
    ///
    /// # Errors
    ///
    /// The story of a client that could not connect.
    pub fn client(&mut self, address: SocketAddr) -> Result<Client, Box<Story>> {
        self.clients += 1;
        Client::connect(format!("client-{}", self.clients), address, self.notes.clone())
    }

    /// Runs `body`, which may never end, in the thread "server".
    ///
    /// # Panics
    ///
    /// If the system has no thread left.
    pub fn serve<T: Send + 'static>(
        &self,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> Serving<T> {
        Serving::start(self.notes.clone(), body)
    }
}

/// What has been noted so far. Clones share it: the check, its clients and its server write in it.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    shared: Arc<Mutex<Written>>,
}

#[derive(Debug, Default)]
struct Written {
    steps: VecDeque<String>,
    left_out: usize,
    events: VecDeque<String>,
}

impl Notes {
    /// Notes a step of the check.
    pub fn did(&self, step: impl Display) {
        let written = &mut *self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        written.steps.push_back(step.to_string());
        if written.steps.len() > STEPS_MAX {
            written.steps.pop_front();
            written.left_out += 1;
        }
    }

    /// Notes something that the server or the loop has done.
    pub fn saw(&self, event: impl Display) {
        let written = &mut *self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        written.events.push_back(event.to_string());
        if written.events.len() > STEPS_MAX {
            written.events.pop_front();
        }
    }

    /// Ends the check and its process with the story that ends here: for who watches over what may
    /// never end.
    pub fn end(&self, expected: impl Display, came: impl Display, why: &str) -> ! {
        let story = self.story(expected, came, why);
        if !panics::answer("failed", story.to_json()) {
            run::tell(&story);
        }
        process::exit(0)
    }

    pub(crate) fn story(
        &self,
        expected: impl Display,
        came: impl Display,
        why: &str,
    ) -> Box<Story> {
        let threads = threads::others().iter().map(Thread::describe).collect();
        let written = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let left_out = match written.left_out {
            0 => None,
            1 => Some("(one step before these)".to_owned()),
            count => Some(format!("({count} steps before these)")),
        };
        Box::new(Story {
            steps: left_out.into_iter().chain(written.steps.iter().cloned()).collect(),
            expected: expected.to_string(),
            came: came.to_string(),
            events: written.events.iter().cloned().collect(),
            threads,
            why: why.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_has_the_last_steps_and_says_how_many_are_left_out() {
        let trial = Trial::new(1, "test", None);
        (0..15).for_each(|number| trial.did(number));
        trial.notes().saw("accept gave client-1");
        let story = trial.expect("a sum", &4, &5, "Two and two.").unwrap_err();
        assert_eq!(story.steps[0], "(3 steps before these)");
        assert_eq!(story.steps[1..], (3..15).map(|number| number.to_string()).collect::<Vec<_>>());
        assert_eq!((story.expected.as_str(), story.came.as_str()), ("a sum: 4", "5"));
        assert_eq!(story.events, ["accept gave client-1"]);
    }
}
