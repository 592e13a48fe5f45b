//! mistake: SO_REUSEADDR is set when `bind` has already asked for the port.
//! rejected by: 1.2 a_port_can_be_had_again_when_its_server_has_gone

mod listen {
    pub fn listen(address: SocketAddr, backlog: i32) -> Result<Socket, ListenError> {
        let attempt = || {
            let socket =
                Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
            socket.bind(&address.into())?;
            socket.set_reuse_address(true)?;
            socket.listen(backlog)?;

            Ok(socket)
        };
        attempt().map_err(|error| ListenError::new(address, error))
    }
}
