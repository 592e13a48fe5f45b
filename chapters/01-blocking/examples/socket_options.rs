//! Sets each socket option, reads it back, and says what the kernel made of it: `cargo run -p
//! chapter-01 --example socket_options`. What each means: `socket(7)` and `tcp(7)`.

use nix::libc::{self, SO_RCVLOWAT, SOL_SOCKET};
use nix::sys::socket::{getsockopt, setsockopt};
use nix::{getsockopt_impl, setsockopt_impl, sockopt_impl};
use socket2::{Domain, Socket, TcpKeepalive, Type};
use std::fmt::Debug;
use std::io;
use std::time::Duration;

sockopt_impl!(
    /// The low-water mark, which neither socket2 nor rustix knows.
    ReceiveLowWater,
    Both,
    SOL_SOCKET,
    SO_RCVLOWAT,
    u32
);

fn main() -> anyhow::Result<()> {
    let tcp = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let udp = Socket::new(Domain::IPV4, Type::DGRAM, None)?;

    println!("option            asked     got");
    // Before bind: who may have the address.
    tcp.set_reuse_address(true)?;
    show("SO_REUSEADDR", true, tcp.reuse_address())?;
    tcp.set_reuse_port(true)?;
    show("SO_REUSEPORT", true, tcp.reuse_port())?;
    // Only a datagram can go to everybody.
    udp.set_broadcast(true)?;
    show("SO_BROADCAST", true, udp.broadcast())?;
    // Linux doubles what is asked for: the other half is its own book-keeping.
    tcp.set_send_buffer_size(16_384)?;
    show("SO_SNDBUF", 16_384, tcp.send_buffer_size())?;
    tcp.set_recv_buffer_size(16_384)?;
    show("SO_RCVBUF", 16_384, tcp.recv_buffer_size())?;
    // Under its least size it does not go.
    tcp.set_recv_buffer_size(1)?;
    show("SO_RCVBUF", 1, tcp.recv_buffer_size())?;
    // A receive blocks until so many bytes are there.
    setsockopt(&tcp, ReceiveLowWater, &16)?;
    show("SO_RCVLOWAT", 16, Ok(getsockopt(&tcp, ReceiveLowWater)?))?;
    // A silent peer is asked after a minute whether it is still there.
    tcp.set_tcp_keepalive(&TcpKeepalive::new().with_time(Duration::from_secs(60)))?;
    show("SO_KEEPALIVE", true, tcp.keepalive())?;
    show("TCP_KEEPIDLE", Duration::from_secs(60), tcp.tcp_keepalive_time())?;
    // How long close waits for unsent data; zero throws the data away and resets the connection.
    tcp.set_linger(Some(Duration::from_secs(5)))?;
    show("SO_LINGER", Some(Duration::from_secs(5)), tcp.linger())?;
    // A blocking call gives up after so long, with "would block".
    tcp.set_read_timeout(Some(Duration::from_secs(2)))?;
    show("SO_RCVTIMEO", Some(Duration::from_secs(2)), tcp.read_timeout())?;
    tcp.set_write_timeout(Some(Duration::from_secs(2)))?;
    show("SO_SNDTIMEO", Some(Duration::from_secs(2)), tcp.write_timeout())?;
    // A small segment is sent at once, even while an earlier one is unacknowledged.
    tcp.set_tcp_nodelay(true)?;
    show("TCP_NODELAY", true, tcp.tcp_nodelay())?;
    Ok(())
}

fn show<T: Debug>(name: &str, asked: T, got: io::Result<T>) -> io::Result<()> {
    println!("{name:<15} {:>7} {:>7}", plain(&asked), plain(&got?));
    Ok(())
}

/// `Some(5s)` as `5s`.
fn plain(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    text.strip_prefix("Some(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(&text).to_owned()
}
