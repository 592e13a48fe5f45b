//! What the black-box suite is made of: programs that run, clients that follow a script, measures
//! and limits.
//!
//! - [`Process`] and [`Server`]: a program under test, its output, its end (the first, as all that
//!   knows no chapter, from package `harness`);
//! - [`program`] and [`example`]: where such a program is, built if need be;
//! - [`Client`]: one connection, with a time limit on everything it waits for;
//! - [`measure`]: what a process costs, as far as the platform tells;
//! - [`within`]: a hang is a failure;
//! - [`Script`], [`record`] and [`SCENES`]: the runs that the book shows, and their transcripts;
//! - [`Column`], [`Capability`], [`Verdict`] and [`table`]: what each layer can do.
//!
//! # A further scenario
//!
//! A scenario is a function that plays one script against one column and says [`Verdict::Yes`] or
//! [`Verdict::No`]; an error means that it could not tell, or that the server was wrong beyond the
//! question. It waits for events, never for time: an echo proves that the server has been there.
//! That something does *not* happen is proved by order ([`Client::is_served_beside`]).
//!
//! In `tests/capabilities/` it gets a `static` [`Capability`] with its name in plain words, a
//! `#[test]` that cites the rules of the contract, and its place in the list in `main.rs`. Where a
//! layer lacks it, [`Capability::except`] gives the reason; a "no" without a reason fails, and so
//! does a reason without a "no".
//!
//! # A further layer
//!
//! `stage` learns to play it (`src/bin/stage/`), [`COLUMNS`] gets a line for it. Then every
//! scenario is run against it, and the snapshot of the table shows what it can do.

mod capability;
mod column;
mod numbered_lines;
mod page;
mod program;
mod scene;
mod script;
mod scripts;
mod server;
mod transcript;
mod visitor;

pub use capability::{Capability, Lack, Outcome, Verdict, table};
pub use column::{COLUMNS, Column};
pub use harness::{Client, Output, PATIENCE, Process, Signal, TEST_MAX, measure, pattern, within};
pub use page::wrap;
pub use program::{example, program};
pub use scene::{SCENES, Scene};
pub use script::Script;
pub use server::Server;
pub use transcript::record;
