//! The tests of which one waits for the other: what they count or change belongs to the whole
//! process, as descriptors and signals do. A scene that would end the process has one of its own.

#![allow(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

#[path = "../../../04-event-loop/tests/support/alone.rs"]
mod alone;
#[path = "../support/black_hole.rs"]
mod black_hole;
#[path = "../support/caller.rs"]
mod caller;
#[path = "../../../04-event-loop/tests/support/cancel.rs"]
mod cancel;
#[path = "../../../04-event-loop/tests/support/child.rs"]
mod child;
#[path = "../support/guests.rs"]
mod guests;
#[path = "../../../04-event-loop/tests/support/net.rs"]
mod net;
#[path = "../../../04-event-loop/tests/support/watch.rs"]
mod watch;

mod connect_cancelled;
mod connect_sockets;
mod create_connection;
mod shortage;
mod unix;
