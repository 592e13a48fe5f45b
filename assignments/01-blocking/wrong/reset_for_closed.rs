//! mistake: Every way in which reading ends is taken for the client's good-bye.
//! rejected by: 1.4 a_reset_is_an_error_of_this_client

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
            let received = match socket.read(&mut buffer) {
                Ok(0) => return Ok(End::of(&reply)),
                Ok(count) => &buffer[..count],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Ok(End::Closed),
            };
            log.line(|| format!("{peer} sent {}", Excerpt(received)));
            space.clear();
            let outgoing = match reply.reply(received, &mut space) {
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
