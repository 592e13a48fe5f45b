//! mistake: Clients are kept in a list, from which nobody takes them: their sockets stay open.
//! rejected by: 1.5 a_client_that_has_left_leaves_nothing_open

mod serve {
    pub fn serve<R: Reply>(
        listener: &Socket,
        mut new_reply: impl FnMut() -> R,
        log: Log,
    ) -> io::Result<Infallible> {
        let mut exhausted = false;
        let mut clients = Vec::new();
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
                    clients.push(socket);
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
