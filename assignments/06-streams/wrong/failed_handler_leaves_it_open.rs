//! mistake: A handler that has failed is reported, and its connection is thought to be closed with
//! its writer, which somebody else has.
//! rejected by: 6.5 a_handler_that_fails_is_reported_and_its_client_let_go

mod start_server {
    fn handler_is_done(
        event_loop: &LoopHandle,
        transport: &dyn Transport,
        outcome: Result<impl Outcome, JoinError>,
    ) {
        let failure = match &outcome {
            Ok(value) => match value.failure() {
                Some(failure) => failure as &dyn std::fmt::Display,
                None => return,
            },
            Err(JoinError::Cancelled) => return,
            Err(error) => error,
        };
        let context = ErrorContext::new("the handler of a connection failed").with_error(failure);
        let peer = transport.peer_address().ip().map(Subject::Connection);
        event_loop.call_exception_handler(&context.about(peer));
    }
}
