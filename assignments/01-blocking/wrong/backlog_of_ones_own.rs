//! mistake: The backlog that was asked for is passed over for the usual one.
//! rejected by: 1.2 the_queue_is_as_long_as_was_asked_for

mod listen {
    pub fn listen(address: SocketAddr, backlog: i32) -> Result<Socket, ListenError> {
        let attempt = || {
            let socket =
                Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
            socket.set_reuse_address(true)?;
            socket.bind(&address.into())?;
            let _ = backlog;
            socket.listen(BACKLOG)?;

            Ok(socket)
        };
        attempt().map_err(|error| ListenError::new(address, error))
    }
}
