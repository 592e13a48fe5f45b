//! The tests that may run at the same time in one process. They are one program, because each program
//! is compiled with everything that it uses, and linked.

#![allow(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

#[path = "../support/actor.rs"]
mod actor;
#[path = "../../../04-event-loop/tests/support/cancel.rs"]
mod cancel;
#[path = "../support/guests.rs"]
mod guests;
#[path = "../support/meet.rs"]
mod meet;
#[path = "../../../04-event-loop/tests/support/net.rs"]
mod net;
#[path = "../support/race_chart.rs"]
mod race_chart;
#[path = "../support/scene.rs"]
mod scene;
#[path = "../support/stack.rs"]
mod stack;
#[path = "../../../04-event-loop/tests/support/watch.rs"]
mod watch;
#[path = "../support/witness.rs"]
mod witness;

mod accept;
mod cipher;
mod connect_any;
mod create_server;
mod flow_control;
mod half_close;
mod layer;
mod panics;
mod protocols;
mod proxy;
mod race_picture;
mod server;
mod transport;
mod transport_failures;
mod unix_path;
mod unsent;
