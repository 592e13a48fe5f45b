//! What each layer costs, beside raw epoll.
//!
//! - [`Server`]: what is measured, each in a process of its own ([`Launcher`]);
//! - [`Load`]: the load generator, which checks every byte that comes back;
//! - [`process`], [`tool`]: what the kernel, strace and callgrind say about a server;
//! - [`measure`]: the measures, interleaved over all servers;
//! - [`report`]: the tables.

mod client;
mod launch;
mod load;
mod machine;
pub mod measure;
mod mio_by_hand;
mod pattern;
pub mod process;
mod raw_epoll;
pub mod report;
mod server;
mod statistics;
mod table;
pub mod tool;

pub use launch::{Launcher, Running};
pub use load::{Load, Outcome, Plan};
pub use machine::{Machine, load_average};
pub use server::{Server, pin_to, raise_descriptor_limit};
pub use statistics::{Summary, quantile};
pub use table::Table;
