//! The tests of which one waits for the other: what they count belongs to the whole process, as
//! descriptors do.

#![allow(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

#[path = "../../../04-event-loop/tests/support/alone.rs"]
mod alone;
#[path = "../../../05-transports/tests/support/black_hole.rs"]
mod black_hole;
#[path = "../../../05-transports/tests/support/caller.rs"]
mod caller;
#[path = "../../../04-event-loop/tests/support/cancel.rs"]
mod cancel;
#[path = "../../../05-transports/tests/support/guests.rs"]
mod guests;
#[path = "../../../05-transports/tests/support/meet.rs"]
mod meet;
#[path = "../../../04-event-loop/tests/support/net.rs"]
mod net;
#[path = "../../../05-transports/tests/support/scene.rs"]
mod scene;
#[path = "../../../05-transports/tests/support/stack.rs"]
mod stack;
#[path = "../support/streams.rs"]
mod streams;
#[path = "../../../04-event-loop/tests/support/watch.rs"]
mod watch;

mod given_up;
mod run_many;
