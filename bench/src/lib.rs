//! What each layer costs, beside raw epoll and other runtimes.
//!
//! - [`Server`]: what is measured, each in a process of its own ([`Launcher`]);
//! - [`Load`]: the load generator, which checks every byte that comes back;
//! - [`process`], [`tool`]: what the kernel, strace and callgrind say about a server;
//! - [`measure`]: the measures, interleaved over all servers;
//! - [`micro`]: single steps of a loop, interleaved over all runtimes, in one process;
//! - [`Results`]: all of it in one file, from which [`report`] makes the tables and charts.

mod chart;
mod client;
mod launch;
mod limits;
mod load;
mod machine;
pub mod measure;
pub mod micro;
mod mio_by_hand;
mod pattern;
mod peers;
pub mod process;
mod raw_epoll;
pub mod report;
mod results;
pub mod run;
mod serve;
mod server;
mod statistics;
mod table;
pub mod tool;

pub use chart::{Bar, Chart, Group};
pub use launch::{Launcher, Running};
pub use limits::{pin_to, raise_descriptor_limit};
pub use load::{Load, Outcome, Plan};
pub use machine::{Machine, load_average};
pub use results::{Results, Row};
pub use server::{Part, Server};
pub use statistics::{Summary, quantile};
pub use table::Table;
