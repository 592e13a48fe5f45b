//! mistake: "Would block" is handed on as the error that it looks like: the server ends as soon as nobody has
//! anything to say.
//! rejected by: 2.1 would_block_is_an_answer

mod try_io {
    pub fn answer<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<Poll<T>> {
        loop {
            return match call() {
                Ok(value) => Ok(Poll::Ready(value)),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
        }
    }
}
