//! mistake: Who is owed enough does not join the queue, but a report is still good for a receive: a client that
//! sends bit by bit and never reads fills the memory of the server.
//! rejected by: 3.5 who_is_full_is_left_alone_until_there_is_room

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
        client.ended().map(Ok)
    }
}
