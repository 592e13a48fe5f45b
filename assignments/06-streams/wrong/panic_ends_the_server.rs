//! mistake: What a handler has panicked with is taken for the program's end: the loop is stopped,
//! and with it all other clients.
//! rejected by: 6.5 a_handler_that_panics_ends_its_own_client_alone

mod start_server {
    fn handler_is_done(
        event_loop: &LoopHandle,
        transport: &dyn Transport,
        outcome: Result<impl Outcome, JoinError>,
    ) {
        let failure = match &outcome {
            Ok(value) => value.failure().map(ToString::to_string),
            Err(JoinError::Cancelled) => return transport.close(),
            Err(JoinError::Panicked(message)) => {
                eprintln!("{message}");
                return event_loop.stop();
            }
            Err(error) => Some(error.to_string()),
        };
        let Some(failure) = failure else { return };
        transport.close();
        let context = ErrorContext::new("the handler of a connection failed").with_error(failure);
        let peer = transport.peer_address().ip().map(Subject::Connection);
        event_loop.call_exception_handler(&context.about(peer));
    }
}
