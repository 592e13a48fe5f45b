//! mistake: The space for replies, which all clients share, is not emptied: what was answered to one is sent to the next as
//! well.
//! rejected by: 2.4 an_answer_goes_to_its_own_client

mod client {
    impl<R: Reply> Client<R> {
        pub fn receive(
            &mut self,
            socket: &impl TryIo,
            buffers: &mut Buffers,
            _: Log,
        ) -> io::Result<Poll<usize>> {
            let Poll::Ready(count) = socket.try_recv(&mut buffers.incoming)? else {
                return Ok(Poll::Pending);
            };
            if count == 0 {
                self.end = Some(End::of(&self.reply));
                return Ok(Poll::Ready(0));
            }
            let received = &buffers.incoming[..count];
            let outgoing = match self.reply.reply(received, &mut buffers.space) {
                Ok(outgoing) => outgoing,
                Err(too_long) => {
                    self.end = Some(End::LineTooLong(too_long));
                    &buffers.space
                }
            };
            self.outbox.send(socket, outgoing)?;
            Ok(Poll::Ready(count))
        }
    }
}
