//! What a test of a server from outside is made of: programs that run, clients that follow a
//! script, measures and limits. It knows no chapter, so that whoever grades a learner's chapter can
//! use it without having ours beside it.
//!
//! - [`Process`]: a program under test, its [`Output`], its end;
//! - [`Client`]: one connection, with a time limit on everything it waits for;
//! - [`measure`]: what a process costs, as far as the platform tells;
//! - [`within`]: a hang is a failure.

mod client;
mod limit;
pub mod measure;
mod output;
mod process;

pub use client::{Client, pattern};
pub use limit::{PATIENCE, TEST_MAX, within};
pub use output::Output;
pub use process::Process;
pub use rustix::process::Signal;
