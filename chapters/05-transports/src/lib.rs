//! Chapter 05: connecting to a host of which some addresses may be dead.
//!
//! From chapter 04: the event loop, its clock and its sockets.
//!
//! New here, from the bottom up:
//! - [`interleave`]: the order in which addresses of two families are tried;
//! - [`HappyEyeballs`]: which attempt starts when, and who wins, without a socket and without a
//!   clock;
//! - [`ConnectErrors`]: why no address answered;
//! - [`connect_any`]: the race on a loop, whatever an attempt is.

mod connect_error;
mod happy_eyeballs;
mod interleave;
mod race_connect;

pub use connect_error::ConnectErrors;
pub use happy_eyeballs::{Attempt, HappyEyeballs, RECOMMENDED_DELAY};
pub use interleave::interleave;
pub use race_connect::{RaceOptions, connect_any};
