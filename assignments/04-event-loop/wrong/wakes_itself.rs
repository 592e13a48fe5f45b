//! mistake: A receive that finds nothing wakes its own task, to try again: it looks like waiting, and is busy polling.
//! rejected by: 4.4 a_report_wakes_whoever_waits_and_nothing_else_does

mod async_socket {
    impl<T, S, F> Future for Operation<'_, S, F>
    where
        F: FnMut(&S, &mut Readiness) -> io::Result<Poll<T>> + Unpin,
    {
        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
            let Operation { socket, attempt, .. } = &mut *self;
            let mut readiness = socket.watched.readiness.get();
            match attempt(&socket.socket, &mut readiness) {
                Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
                Ok(Poll::Pending) => {
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                Err(error) => Poll::Ready(Err(error)),
            }
        }
    }
}
