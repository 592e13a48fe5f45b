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

    println!("option            asked     got   what for");
    tcp.set_reuse_address(true)?;
    show("SO_REUSEADDR", true, tcp.reuse_address(), "bind where old connections linger")?;
    tcp.set_reuse_port(true)?;
    show("SO_REUSEPORT", true, tcp.reuse_port(), "several listeners share the port")?;
    udp.set_broadcast(true)?;
    show("SO_BROADCAST", true, udp.broadcast(), "a datagram to everybody")?;
    tcp.set_send_buffer_size(16_384)?;
    show("SO_SNDBUF", 16_384, tcp.send_buffer_size(), "doubled, for the kernel's own use")?;
    tcp.set_recv_buffer_size(16_384)?;
    show("SO_RCVBUF", 16_384, tcp.recv_buffer_size(), "doubled, too")?;
    tcp.set_recv_buffer_size(1)?;
    show("SO_RCVBUF", 1, tcp.recv_buffer_size(), "there is a least size")?;
    setsockopt(&tcp, ReceiveLowWater, &16)?;
    let low_water = Ok(getsockopt(&tcp, ReceiveLowWater)?);
    show("SO_RCVLOWAT", 16, low_water, "a receive waits for so many bytes")?;
    tcp.set_tcp_keepalive(&TcpKeepalive::new().with_time(Duration::from_secs(60)))?;
    show("SO_KEEPALIVE", true, tcp.keepalive(), "ask a silent peer if it is there")?;
    show("TCP_KEEPIDLE", Duration::from_secs(60), tcp.tcp_keepalive_time(), "after so long")?;
    tcp.set_linger(Some(Duration::from_secs(5)))?;
    let linger = "close waits so long for unsent data";
    show("SO_LINGER", Some(Duration::from_secs(5)), tcp.linger(), linger)?;
    tcp.set_read_timeout(Some(Duration::from_secs(2)))?;
    let two_seconds = Some(Duration::from_secs(2));
    show("SO_RCVTIMEO", two_seconds, tcp.read_timeout(), "a receive gives up after so long")?;
    tcp.set_write_timeout(two_seconds)?;
    show("SO_SNDTIMEO", two_seconds, tcp.write_timeout(), "and so does a send")?;
    tcp.set_tcp_nodelay(true)?;
    show("TCP_NODELAY", true, tcp.tcp_nodelay(), "small segments are sent at once")?;
    Ok(())
}

fn show<T: Debug>(name: &str, asked: T, got: io::Result<T>, what_for: &str) -> io::Result<()> {
    println!("{name:<15} {:>7} {:>7}   {what_for}", plain(&asked), plain(&got?));
    Ok(())
}

/// `Some(5s)` as `5s`.
fn plain(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    text.strip_prefix("Some(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(&text).to_owned()
}
