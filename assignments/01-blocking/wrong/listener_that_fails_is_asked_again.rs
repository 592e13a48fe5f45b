//! mistake: No error of `accept` ends the server, also not that of a socket that does not listen.
//! rejected by: 1.5 a_listener_that_fails_ends_the_server

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
                    match serve_client(&socket, new_reply(), peer, log) {
                        Ok(end) => log.line(|| format!("{peer} {end}")),
                        Err(error) => log.line(|| format!("{peer} lost: {error}")),
                    }
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
                    AcceptFault::Listener => thread::sleep(BACK_OFF),
                },
            }
        }
    }
}
