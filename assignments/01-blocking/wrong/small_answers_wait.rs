//! mistake: TCP_NODELAY is left out: what it is good for is seen by nobody who tries the server by hand.
//! rejected by: 1.4 small_answers_do_not_wait_for_each_other

mod serve {
    pub fn serve_client(
        mut socket: &Socket,
        mut reply: impl Reply,
        peer: SocketAddr,
        log: Log,
    ) -> io::Result<End> {
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
