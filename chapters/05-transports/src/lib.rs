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
//!   which some addresses may be dead;
//! - [`create_connection`], [`create_unix_connection`] and [`create_unix_server`]: connections and
//!   servers from an address, or from a socket that is there already.

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
mod create_unix_server;
mod echo;
mod removal;
mod server;
mod server_options;
mod unix_path;
mod unix_target;

// Connecting.
mod connect_error;
mod connect_options;
mod create_connection;
mod create_unix_connection;
mod happy_eyeballs;
mod interleave;
mod local_address;
mod race_connect;

pub mod fake;

pub use address::Address;
pub use any_protocol::{AnyProtocol, Buffered, EmptyBuffer, InUse, ProtocolKind, ProtocolRef};
pub use connect_error::ConnectErrors;
pub use connect_options::ConnectOptions;
pub use create_connection::create_connection;
pub use create_server::create_server;
pub use create_unix_connection::{UnixConnectOptions, create_unix_connection};
pub use create_unix_server::{UnixServerOptions, create_unix_server};
pub use echo::Echo;
pub use happy_eyeballs::{Attempt, HappyEyeballs, RECOMMENDED_DELAY};
pub use interleave::interleave;
pub use layer::{Above, Layer, deliver};
pub use open::{Connection, connect_accepted_socket};
pub use protocol::{
    AfterEof, BaseProtocol, BufferedProtocol, CallbackResult, ConnectionError, Protocol,
};
pub use race_connect::{RaceOptions, connect_any};
pub use server::{Server, ServerError};
pub use server_options::ServerOptions;
pub use stream::Stream;
pub use transport::{BaseTransport, ReadTransport, Transport, WriteError, WriteTransport};
pub use water_marks::{LimitsError, WaterMarks};
