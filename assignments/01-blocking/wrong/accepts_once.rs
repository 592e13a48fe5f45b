//! mistake: `accept` stands before the loop: one client is served again and again, also when it has gone.
//! rejected by: 1.5 clients_are_served_one_after_the_other

mod serve {
    pub fn serve<R: Reply>(
        listener: &Socket,
        mut new_reply: impl FnMut() -> R,
        log: Log,
    ) -> io::Result<Infallible> {
        let (socket, peer) = listener.accept()?;
        let peer = peer_address(&peer);
        log.line(|| format!("{peer} connected"));
        loop {
            match serve_client(&socket, new_reply(), peer, log) {
                Ok(end) => log.line(|| format!("{peer} {end}")),
                Err(error) => log.line(|| format!("{peer} lost: {error}")),
            }
        }
    }
}
