//! Chapter 01: blocking sockets, one client at a time.
//!
//! New here:
//! - [`listen()`]: a listening socket, one system call after the other;
//! - [`LineBuffer`]: lines out of reads that know nothing of lines;
//! - [`Reply`]: what a server answers, apart from how it waits ([`EchoBytes`], [`EchoLines`]);
//! - [`serve()`]: accept, serve, next.
//!
//! Every later chapter takes its listening socket, its line buffer and its replies from here and
//! changes only how it waits.
//!
//! Still wrong: while one client is silent, the thread sleeps in its `recv` and every other client
//! waits.

mod accept_fault;
mod address;
mod line_buffer;
mod listen;
mod log;
mod options;
mod reply;
mod serve;

pub use accept_fault::AcceptFault;
pub use address::{AddressError, parse_host_and_port, resolve};
pub use line_buffer::{LineBuffer, LineTooLong};
pub use listen::{BACKLOG, ListenError, listen, listen_at, local_address};
pub use log::{Excerpt, Log};
pub use options::{Options, UsageError, exit_code};
pub use reply::{EchoBytes, EchoLines, LINE_MAX, Reply};
pub use serve::{End, peer_address, serve, serve_client};
