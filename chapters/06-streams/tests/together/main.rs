//! The tests that may run at the same time in one process. They are one program, because each program
//! is compiled with everything that it uses, and linked.

#![allow(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

#[path = "../../../04-event-loop/tests/support/cancel.rs"]
mod cancel;
#[path = "../../examples/chat/guest.rs"]
mod guest;
#[path = "../../../05-transports/tests/support/guests.rs"]
mod guests;
#[path = "../../../05-transports/tests/support/meet.rs"]
mod meet;
#[path = "../../../04-event-loop/tests/support/net.rs"]
mod net;
#[path = "../support/reader_scene.rs"]
mod reader_scene;
#[path = "../../examples/chat/room.rs"]
mod room;
#[path = "../../../05-transports/tests/support/scene.rs"]
mod scene;
#[path = "../../../05-transports/tests/support/stack.rs"]
mod stack;
#[path = "../support/streams.rs"]
mod streams;
#[path = "../../../04-event-loop/tests/support/watch.rs"]
mod watch;

mod chat;
mod cipher;
mod connect;
mod reader;
mod reader_cancelled;
mod run;
mod server;
mod socket_lines;
mod unix;
mod writer;
