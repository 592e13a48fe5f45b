//! mistake: The listener does not wait, so its clients are thought not to wait either: the first silent one stalls all.
//! rejected by: 2.2 an_accepted_client_is_asked_without_waiting

mod try_io {
    fn prepare(socket: &Socket, peer: &SockAddr) -> io::Result<()> {
        if peer.is_ipv4() || peer.is_ipv6() {
            socket.set_tcp_nodelay(true)?;
        }
        Ok(())
    }
}
