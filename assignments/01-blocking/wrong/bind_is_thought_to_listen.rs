//! mistake: A socket that is bound is taken for one that listens.
//! rejected by: 1.2 a_client_that_connects_can_be_accepted

mod listen {
    pub fn listen(address: SocketAddr, backlog: i32) -> Result<Socket, ListenError> {
        let attempt = || {
            let socket =
                Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
            socket.set_reuse_address(true)?;
            socket.bind(&address.into())?;
            let _ = backlog;

            Ok(socket)
        };
        attempt().map_err(|error| ListenError::new(address, error))
    }
}
