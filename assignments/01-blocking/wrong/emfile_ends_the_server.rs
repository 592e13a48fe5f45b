//! mistake: Every error of `accept` is the server's end: who opens enough connections ends it.
//! rejected by: 1.5 without_descriptors_the_server_rests_and_goes_on

mod serve {
    pub fn serve<R: Reply>(
        listener: &Socket,
        mut new_reply: impl FnMut() -> R,
        log: Log,
    ) -> io::Result<Infallible> {
        loop {
            let (socket, peer) = listener.accept()?;
            let peer = peer_address(&peer);
            log.line(|| format!("{peer} connected"));
            match serve_client(&socket, new_reply(), peer, log) {
                Ok(end) => log.line(|| format!("{peer} {end}")),
                Err(error) => log.line(|| format!("{peer} lost: {error}")),
            }
        }
    }
}
