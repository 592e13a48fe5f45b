//! mistake: A client is served until nothing more comes from it: one that talks without end is the only one that is served.
//! rejected by: 2.5 a_turn_is_one_question

mod busy_poll {
    fn ask<S: TryIo, R: Reply>(
        socket: &S,
        client: &mut Client<R>,
        buffers: &mut Buffers,
        polls: &mut Polls,
        log: Log,
    ) -> io::Result<Option<End>> {
        if client.wants_to_send() {
            let _ = polls.count(client.flush(socket))?;
        }
        while client.wants_to_receive() {
            if polls.count(client.receive(socket, buffers, log))?.is_pending() {
                break;
            }
        }
        Ok(client.ended())
    }
}
