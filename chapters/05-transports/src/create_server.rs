use crate::address::Address;
use crate::any_protocol::ProtocolKind;
use crate::server::{Listener, Server};
use socket2::Socket;
use std::io;

/// adopt
pub async fn serve_socket<P: ProtocolKind>(
    factory: impl FnMut() -> P + 'static,
    socket: Socket,
) -> io::Result<Server> {
    socket.set_nonblocking(true)?;
    let address = Address::from(socket.local_addr()?);
    let server = Server::new(vec![Listener { socket, address, guard: None }], 100, factory);
    server.start_serving().await?;
    Ok(server)
}
