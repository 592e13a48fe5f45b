//! mistake: A receive leaves its waker and waits for a report, without a try: the report of what is there already came
//! before the waker was stored, and there is no other.
//! rejected by: 4.4 what_came_before_is_taken_at_once

mod async_socket {
    impl<T, S, F> Future for Operation<'_, S, F>
    where
        F: FnMut(&S, &mut Readiness) -> io::Result<Poll<T>> + Unpin,
    {
        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
            if self.number.is_none() {
                return self.wait(context);
            }
            let Operation { socket, direction, attempt, gave_way, .. } = &mut *self;
            let mut readiness = socket.watched.readiness.get();
            if readiness.contains(direction.flag()) {
                if !socket.core.may_go_on(gave_way, context.waker()) {
                    return Poll::Pending;
                }
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
