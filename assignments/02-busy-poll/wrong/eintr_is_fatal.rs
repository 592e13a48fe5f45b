//! mistake: A call that a signal has interrupted counts as failed: whoever is being asked at that moment is lost.
//! rejected by: 2.1 an_interrupted_call_is_made_again

mod try_io {
    pub fn answer<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<Poll<T>> {
        match call() {
            Ok(value) => Ok(Poll::Ready(value)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Poll::Pending),
            Err(error) => Err(error),
        }
    }
}
