//! Chapter 02: non-blocking sockets, polled without rest.
//!
//! From chapter 01: the listening socket, the line buffer, the replies.
//!
//! New here:
//! - [`TryIo`]: "not yet" as an answer of its own instead of an error;
//! - [`Outbox`]: what the kernel has not taken yet, and a bound on it;
//! - [`Client`]: everything that must outlive a "not yet", one value for each client;
//! - [`BusyPoll`]: asks every socket, round after round, and counts how often in vain.
//!
//! Still wrong: nearly every question is asked in vain, and a server with nothing to do burns a
//! whole core.

mod busy_poll;
mod client;
pub mod fake;
mod outbox;
mod try_io;

pub use busy_poll::{BusyPoll, Polls};
pub use client::{Buffers, Client, RECEIVE_MAX};
pub use outbox::{OUTBOX_MAX, Outbox};
pub use try_io::{TryIo, answer};
