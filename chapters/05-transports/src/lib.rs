//! Chapter 05: transports, which move the bytes of a connection, and protocols, which give them a
//! meaning.
//!
//! From chapter 04: the event loop, whose ready queue a connection has its turns in; its sockets,
//! clock and resolver.
//!
//! New here, from the bottom up:
//! - [`Protocol`] and [`BufferedProtocol`]: what is called when something happens;
//! - [`Transport`]: what a connection can be told, from anywhere;
//! - [`WaterMarks`]: when a protocol is told to stop writing;
//! - [`Layer`]: a protocol on top of a protocol;
//! - [`interleave`], [`HappyEyeballs`], [`ConnectErrors`], [`connect_any`]: connecting to a host of
//!   which some addresses may be dead.

// A connection: `socket_transport` is the heart of the chapter.
mod address;
mod any_protocol;
mod connections;
mod layer;
mod open;
mod protocol;
mod socket_transport;
mod stream;
mod transport;
mod water_marks;
mod write_buffer;

// Servers.
mod create_server;
mod echo;
mod server;

// Connecting.
mod connect_error;
mod happy_eyeballs;
mod interleave;
mod race_connect;

pub use address::Address;
pub use any_protocol::{AnyProtocol, Buffered, EmptyBuffer, InUse, ProtocolKind, ProtocolRef};
pub use connect_error::ConnectErrors;
pub use create_server::serve_socket;
pub use echo::Echo;
pub use happy_eyeballs::{Attempt, HappyEyeballs, RECOMMENDED_DELAY};
pub use interleave::interleave;
pub use layer::Layer;
pub use open::{Connection, connect_accepted_socket};
pub use protocol::{
    AfterEof, BaseProtocol, BufferedProtocol, CallbackResult, ConnectionError, Protocol,
};
pub use race_connect::{RaceOptions, connect_any};
pub use server::{Server, ServerError};
pub use stream::Stream;
pub use transport::{BaseTransport, ReadTransport, Transport, WriteError, WriteTransport};
pub use water_marks::{LimitsError, WaterMarks};
