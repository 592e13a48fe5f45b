//! The tests of which one waits for the other: what they count or change belongs to the whole
//! process, as descriptors and signals do. A scene that would end the process has one of its own.

#![allow(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/at_drop.rs"]
mod at_drop;
#[path = "../support/cancel.rs"]
mod cancel;
#[path = "../support/child.rs"]
mod child;
#[path = "../support/net.rs"]
mod net;
#[path = "../support/served.rs"]
mod served;

mod cancel_sockets;
mod descriptor_numbers;
mod interrupt;
mod signals;
mod sigterm;
mod soak;
mod standard_error;
