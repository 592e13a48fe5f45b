//! mistake: A `?` behind `serve_client`: what goes wrong with one client ends the server.
//! rejected by: 1.5 a_client_that_resets_ends_itself_alone

mod serve {
    pub fn serve<R: Reply>(
        listener: &Socket,
        mut new_reply: impl FnMut() -> R,
        log: Log,
    ) -> io::Result<Infallible> {
        let mut exhausted = false;
        loop {
            match listener.accept() {
                Ok((socket, peer)) => {
                    exhausted = false;
                    let peer = peer_address(&peer);
                    log.line(|| format!("{peer} connected"));
                    let end = serve_client(&socket, new_reply(), peer, log)?;
                    log.line(|| format!("{peer} {end}"));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => match AcceptFault::of(&error) {
                    AcceptFault::Client => {}
                    AcceptFault::Exhausted => {
                        if !exhausted {
                            Log::report(format_args!("cannot accept: {error}"));
                        }
                        exhausted = true;
                        thread::sleep(BACK_OFF);
                    }
                    AcceptFault::Listener => return Err(error),
                },
            }
        }
    }
}
