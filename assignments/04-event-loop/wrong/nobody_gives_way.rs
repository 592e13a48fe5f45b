//! mistake: An operation that can go on goes on, whoever else there is: a client that always has something to say is the
//! only one that is served.
//! rejected by: 4.4 who_is_always_ready_gives_way

mod async_socket {
    impl<T, S, F> Future for Operation<'_, S, F>
    where
        F: FnMut(&S, &mut Readiness) -> io::Result<Poll<T>> + Unpin,
    {
        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
            let Operation { socket, direction, attempt, .. } = &mut *self;
            let mut readiness = socket.watched.readiness.get();
            if readiness.contains(direction.flag()) {
                let outcome = attempt(&socket.socket, &mut readiness);
                socket.watched.readiness.set(readiness);
                match outcome {
                    Ok(Poll::Ready(value)) => return Poll::Ready(Ok(value)),
                    Ok(Poll::Pending) => {}
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            self.wait(context)
        }
    }
}
