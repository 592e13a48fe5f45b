//! The tests that may run at the same time in one process. They are one program, because each program
//! is compiled with everything that it uses, and linked.

#![allow(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

#[path = "../support/at_drop.rs"]
mod at_drop;
#[path = "../support/cancel.rs"]
mod cancel;
#[path = "../support/net.rs"]
mod net;
#[path = "../support/served.rs"]
mod served;
#[path = "../support/watch.rs"]
mod watch;

mod by_hand;
mod cancelled_receive;
mod combinators;
mod connect;
mod datagrams;
mod event_loop;
mod executor;
mod fake_sockets;
mod future_cell;
mod hand_over;
mod may_go_on;
mod observers;
mod readers;
mod run;
mod send_file;
mod serve;
mod sockets;
mod task_failures;
mod task_group;
mod tasks;
mod wakers;
