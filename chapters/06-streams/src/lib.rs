//! Chapter 06: streams, which are read and written line by line, or as one likes, by a task that
//! waits for its connection alone.
//!
//! From chapter 05: the transport below, and servers and connections with their protocols. From
//! chapter 04: the tasks above, and the loop that both are on.
//!
//! New here, from the bottom up:
//! - [`StreamLimits`]: how much is kept of what nobody has read;
//! - [`Chunk`]: bytes that were read;
//! - [`ReadError`], [`ConnectionLost`]: why there is no more, and what is lost;
//! - [`StreamReader`]: bytes by number, to a separator, by lines;
//! - [`StreamWriter`]: bytes out, room to wait for, and an end that tells how it was;
//! - [`StreamProtocol`]: makes the two of the callbacks of a connection;
//! - [`open_connection`] and [`start_server`]: streams from an address.

// What is kept, and what a read makes of it: no task, no socket, no loop.
mod chunk;
mod connection_lost;
mod inbox;
mod read_buffer;
mod read_error;
mod search;
mod stream_limits;

// Where the callbacks below meet the tasks above.
mod stream;
mod stream_protocol;
mod stream_reader;
mod stream_writer;
mod wait_closed;

// From an address.
mod echo;
mod open_connection;
mod start_server;

pub use chunk::Chunk;
pub use connection_lost::ConnectionLost;
pub use echo::echo;
pub use open_connection::{Streams, open_connection, open_unix_connection};
pub use read_error::ReadError;
pub use start_server::{protocols, start_server, start_unix_server};
pub use stream_limits::{StreamLimits, ZeroLimit};
pub use stream_protocol::StreamProtocol;
pub use stream_reader::{Lines, StreamReader};
pub use stream_writer::StreamWriter;
pub use wait_closed::WaitClosed;
