//! mistake: A full buffer is taken as a sign that more will come: a message of exactly that length gets no
//! answer.
//! rejected by: 1.4 a_message_of_any_length_comes_back

mod serve {
    pub fn serve_client(
        mut socket: &Socket,
        mut reply: impl Reply,
        peer: SocketAddr,
        log: Log,
    ) -> io::Result<End> {
        socket.set_tcp_nodelay(true)?;
        let mut buffer = [0; READ_MAX];
        let mut space = Vec::new();
        loop {
            let mut received = Vec::new();
            loop {
                let count = socket.read(&mut buffer)?;
                received.extend_from_slice(&buffer[..count]);
                if count < READ_MAX {
                    break;
                }
            }
            if received.is_empty() {
                return Ok(End::of(&reply));
            }
            log.line(|| format!("{peer} sent {}", Excerpt(&received)));
            space.clear();
            let outgoing = match reply.reply(&received, &mut space) {
                Ok(outgoing) => outgoing,
                Err(too_long) => {
                    socket.write_all(&space)?;
                    return Ok(End::LineTooLong(too_long));
                }
            };
            socket.write_all(outgoing)?;
        }
    }
}
