//! mistake: An answer is offered until all of it is taken: while one client does not read, nobody else is asked.
//! rejected by: 2.5 a_slow_client_stalls_nobody

mod busy_poll {
    fn ask<S: TryIo, R: Reply>(
        socket: &S,
        client: &mut Client<R>,
        buffers: &mut Buffers,
        polls: &mut Polls,
        log: Log,
    ) -> io::Result<Option<End>> {
        if client.wants_to_receive() {
            let _ = polls.count(client.receive(socket, buffers, log))?;
        }
        while client.wants_to_send() {
            let _ = polls.count(client.flush(socket))?;
        }
        Ok(client.ended())
    }
}
