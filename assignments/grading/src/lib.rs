//! What the graded tests of the assignments are written with.
//!
//! A graded test is a *check*: a function that is given a [`Trial`] and gives a [`Verdict`]. It
//! notes what it does, and where something else comes than was expected, it fails with a [`Story`]
//! that a learner can read: what happened, what was expected, what came, and why it matters.
//!
//! - [`Trial`]: the notes of one check, its random numbers, its server's thread;
//! - [`Client`]: one connection that notes what it does; it waits no longer than the server can
//!   still do something;
//! - [`Random`]: numbers that a seed repeats;
//! - [`measure`] and [`pattern`], from package `harness`.
//!
//! A crate of checks says with [`checks!`] which check belongs to which task. The grader runs each
//! of them in a process of its own; a person runs one by `cargo test --test graded -- NAME`.
//!
//! ```
//! use grading::{Trial, Verdict};
//!
//! fn a_number_is_its_own_double(trial: &mut Trial) -> Verdict {
//!     let number = trial.random().between(1, 10);
//!     trial.did(format!("doubled {number}"));
//!     trial.expect("the double", &number, &(number * 2), "Only 0 is.")
//! }
//!
//! let story = a_number_is_its_own_double(&mut Trial::new(7, "doc", None)).unwrap_err();
//! assert_eq!(story.why, "Only 0 is.");
//! ```

mod check;
mod client;
mod order;
mod panics;
mod random;
mod run;
mod serving;
mod shown;
mod standstill;
mod story;
mod threads;
mod trial;

pub use check::Check;
pub use client::Client;
pub use harness::{measure, pattern};
pub use random::Random;
pub use run::run;
pub use serving::Serving;
pub use shown::shown;
pub use standstill::processor_time;
pub use story::{Story, Verdict};
pub use trial::{Notes, Trial};
