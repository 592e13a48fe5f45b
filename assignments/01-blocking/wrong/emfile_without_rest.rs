//! mistake: Every error of `accept` is the client's, and the next one may be fine: without a descriptor the
//! server asks again and again, and burns a core.
//! rejected by: 1.5 without_descriptors_the_server_rests_and_goes_on

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
                    }
                    AcceptFault::Listener => return Err(error),
                },
            }
        }
    }
}
