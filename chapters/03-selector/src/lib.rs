//! Chapter 03: the kernel says who is ready.
//!
//! From chapter 01: the listening socket and the replies. From chapter 02:
//! [`TryIo`](chapter_02::TryIo) and the state of a [`Client`](chapter_02::Client).
//!
//! New here, from the bottom up:
//! - [`Interest`], [`Readiness`], [`Token`], [`Event`]: what is asked, what is told, about whom;
//! - [`Backend`]: what a kernel facility must be able to do, over `mio` (edge) and over `polling`
//!   (level);
//! - [`Selector`]: owns the sources and waits for all of them at once; [`Waker`] ends its wait from
//!   another thread;
//! - [`Selector::watch`] and [`Selector::settle`]: code that is right over both;
//! - [`EchoServer`]: chapter 02's clients, asked only when there is an answer.
//!
//! Still wrong: what a client is doing is spread over fields and calls; a second kind of waiting (a
//! timer, another connection) would need a second state machine. Chapter 04 lets the compiler write
//! them.

mod back_off;
mod backend;
mod echo_server;
mod event;
pub mod fake;
mod over_mio;
mod over_polling;
mod selector;
mod source;
mod waker;
mod watch;

pub use back_off::BACK_OFF;
pub use backend::{Backend, Mode};
pub use echo_server::{ACCEPT_BUDGET, EchoServer};
pub use event::{Event, Interest, Readiness, Token};
pub use selector::{Selector, SelectorKind};
pub use source::Source;
pub use waker::Waker;
