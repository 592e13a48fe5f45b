//! mistake: After a report there must be something: a receive that finds nothing then fails with "would block".
//! rejected by: 4.4 a_report_in_vain_is_waited_out

mod async_socket {
    impl<T, S, F> Future for Operation<'_, S, F>
    where
        F: FnMut(&S, &mut Readiness) -> io::Result<Poll<T>> + Unpin,
    {
        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
            let Operation { socket, direction, attempt, gave_way, number, .. } = &mut *self;
            let mut readiness = socket.watched.readiness.get();
            if readiness.contains(direction.flag()) {
                if !socket.core.may_go_on(gave_way, context.waker()) {
                    return Poll::Pending;
                }
                let outcome = attempt(&socket.socket, &mut readiness);
                socket.watched.readiness.set(readiness);
                match outcome {
                    Ok(Poll::Ready(value)) => return Poll::Ready(Ok(value)),
                    Ok(Poll::Pending) if number.is_some() => {
                        return Poll::Ready(Err(ErrorKind::WouldBlock.into()));
                    }
                    Ok(Poll::Pending) => {}
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            self.wait(context)
        }
    }
}
