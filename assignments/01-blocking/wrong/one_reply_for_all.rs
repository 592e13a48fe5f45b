//! mistake: The reply is made once, before the loop: all clients write into one line buffer.
//! rejected by: 1.5 each_client_has_a_reply_of_its_own

mod serve {
    pub fn serve<R: Reply>(
        listener: &Socket,
        mut new_reply: impl FnMut() -> R,
        log: Log,
    ) -> io::Result<Infallible> {
        let mut exhausted = false;
        let mut reply = new_reply();
        loop {
            match listener.accept() {
                Ok((socket, peer)) => {
                    exhausted = false;
                    let peer = peer_address(&peer);
                    log.line(|| format!("{peer} connected"));
                    match serve_client(&socket, Shared(&mut reply), peer, log) {
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
                    AcceptFault::Listener => return Err(error),
                },
            }
        }
    }

    #[added]
    struct Shared<'r, R>(&'r mut R);

    #[added]
    impl<R: Reply> Reply for Shared<'_, R> {
        fn reply<'a>(
            &mut self,
            received: &'a [u8],
            space: &'a mut Vec<u8>,
        ) -> Result<&'a [u8], LineTooLong> {
            self.0.reply(received, space)
        }

        fn unanswered(&self) -> usize {
            self.0.unanswered()
        }
    }
}
