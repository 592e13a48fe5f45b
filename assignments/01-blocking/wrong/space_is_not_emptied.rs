//! mistake: The space for answers is made once and never emptied: each answer brings all earlier ones again.
//! rejected by: 1.4 no_answer_is_sent_twice

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
                Err(error) => return Err(error),
            };
            log.line(|| format!("{peer} sent {}", Excerpt(received)));
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
