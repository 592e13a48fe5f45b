use super::{Flow, SocketTransport};
use crate::any_protocol::AnyProtocol;
use crate::protocol::{CallbackResult, ConnectionError};
use crate::stream::Stream;
use crate::transport::{Transport, WriteError};
use chapter_04::{ErrorContext, Subject, contained};
use std::rc::Rc;

/// How a transport calls its protocol: never inside another call.
impl<S: Stream> SocketTransport<S> {
    /// Runs a callback whose failure ends the connection.
    #[inline]
    pub(super) fn call<P, R>(
        &self,
        transport: &Rc<dyn Transport>,
        protocol: P,
        callback: impl FnOnce(&P) -> CallbackResult<R>,
    ) -> Option<R> {
        let outcome = self.run(protocol, callback);
        self.tell_pause(transport);
        match outcome {
            Ok(Ok(value)) => Some(value),
            Ok(Err(error)) => self.fail(ConnectionError::Protocol(error)),
            Err(message) => self.fail(ConnectionError::Panicked(message)),
        }
    }

    /// Runs a callback whose failure is reported and ends nothing (FC-09, TR-15).
    pub(super) fn notify<P>(&self, what: &'static str, protocol: P, callback: impl FnOnce(&P)) {
        if let Err(message) = self.run(protocol, callback) {
            self.report(ErrorContext::new(what).with_error(message));
        }
    }

    /// Runs code of a protocol.
    #[inline]
    fn run<P, R>(&self, protocol: P, code: impl FnOnce(&P) -> R) -> Result<R, String> {
        self.calling.set(true);
        let outcome = contained(|| code(&protocol));
        self.release(protocol);
        self.calling.set(false);
        outcome
    }

    /// Lets go of a protocol. If it was replaced meanwhile, it ends here, and its destructor is code
    /// of others as well. It has a container of its own, for two panics at a time end the process.
    #[inline]
    pub(super) fn release<P>(&self, protocol: P) {
        if let Err(message) = contained(|| drop(protocol)) {
            self.destructor_failed(message);
        }
    }

    #[cold]
    fn destructor_failed(&self, message: String) {
        self.report(ErrorContext::new("a protocol's destructor failed").with_error(message));
    }

    /// Tells of a high mark that was crossed, unless a callback runs, which has to return first.
    #[inline]
    pub(super) fn tell_pause(&self, transport: &Rc<dyn Transport>) {
        if self.flow.get() == Flow::PauseDue && !self.calling.get() {
            self.pause_protocol(transport);
        }
    }

    #[cold]
    fn pause_protocol(&self, transport: &Rc<dyn Transport>) {
        let Some(protocol) = self.current() else { return };
        if protocol.is_in_use() {
            // Somebody lends it. A turn of this transport begins with the news: told in any other
            // way, it could come behind the resume, or the end.
            return self.socket.schedule_turn();
        }
        self.flow.set(Flow::Paused);
        self.notify("pause_writing failed", protocol, |protocol| protocol.pause_writing(transport));
    }

    #[cold]
    fn fail<R>(&self, error: ConnectionError) -> Option<R> {
        // That the connection is gone is no news, and no mistake of the protocol.
        let is_news = match &error {
            ConnectionError::Protocol(error) => {
                error.downcast_ref() != Some(&WriteError::Closed) || !self.is_over()
            }
            _ => true,
        };
        if is_news {
            self.report(ErrorContext::new("a callback of a protocol failed").with_error(&error));
        }
        self.lose(Some(error));
        None
    }

    pub(super) fn report(&self, context: ErrorContext) {
        let peer = self.ends.peer.ip().map(Subject::Connection);
        self.event_loop.call_exception_handler(&context.about(peer));
    }

    #[inline]
    pub(super) fn current(&self) -> Option<AnyProtocol> {
        self.protocol.borrow().clone()
    }
}
