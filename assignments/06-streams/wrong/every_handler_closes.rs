//! mistake: The end of a handler is taken for the end of its connection, whoever has the writer.
//! rejected by: 6.5 a_handler_may_return_and_leave_its_writer_to_another

mod start_server {
    fn handler_is_done(
        event_loop: &LoopHandle,
        transport: &dyn Transport,
        outcome: Result<impl Outcome, JoinError>,
    ) {
        transport.close();
        let failure = match &outcome {
            Ok(value) => value.failure().map(ToString::to_string),
            Err(JoinError::Cancelled) => None,
            Err(error) => Some(error.to_string()),
        };
        let Some(failure) = failure else { return };
        let context = ErrorContext::new("the handler of a connection failed").with_error(failure);
        let peer = transport.peer_address().ip().map(Subject::Connection);
        event_loop.call_exception_handler(&context.about(peer));
    }
}
