//! mistake: SO_REUSEPORT is set as well, to be on the safe side: now a second server gets half of the clients.
//! rejected by: 1.2 two_servers_do_not_share_a_port

mod listen {
    pub fn listen(address: SocketAddr, backlog: i32) -> Result<Socket, ListenError> {
        let attempt = || {
            let socket =
                Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
            socket.set_reuse_address(true)?;
            socket.set_reuse_port(true)?;
            socket.bind(&address.into())?;
            socket.listen(backlog)?;

            Ok(socket)
        };
        attempt().map_err(|error| ListenError::new(address, error))
    }
}
