//! mistake: That a client has ended is found out by its receive and told to nobody: it stays registered. The text
//! from which this stage was made does so.
//! rejected by: 3.5 each_client_is_answered_to_its_end

mod echo_server {
    fn serve<S: TryIo, R: Reply>(
        socket: &S,
        client: &mut Client<R>,
        flags: &mut Readiness,
        buffers: &mut Buffers,
        log: Log,
    ) -> Option<io::Result<End>> {
        if client.wants_to_send()
            && flags.is_writable()
            && let Err(error) = client.flush(socket)
        {
            return Some(Err(error));
        }
        if flags.is_readable() {
            match client.receive(socket, buffers, log) {
                Ok(received) => flags.after_receive(&received, RECEIVE_MAX),
                Err(error) => return Some(Err(error)),
            }
        }
        if client.wants_to_send() {
            flags.after_partial_send();
        }
        None
    }
}
