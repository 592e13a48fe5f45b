use super::{Life, SocketTransport, Start};
use crate::protocol::ConnectionError;
use crate::stream::Stream;
use crate::transport::{Transport, WriteTransport};
use chapter_04::{ErrorContext, contained, contained_text};
use std::panic::resume_unwind;
use std::rc::{Rc, Weak};
use std::time::Duration;

/// How a connection begins and ends.
impl<S: Stream> SocketTransport<S> {
    /// The first turn. It comes even if the connection was closed meanwhile (TR-03).
    pub(super) fn begin(&self, transport: &Rc<dyn Transport>) {
        self.start.set(Start::Made);
        let mut failure = None;
        if let Some(protocol) = self.current() {
            self.call(transport, protocol, |protocol| {
                let made = contained(|| protocol.connection_made(transport));
                failure = match &made {
                    Ok(made) => made.as_ref().err().map(|error| Rc::from(contained_text(error))),
                    Err(message) => Some(Rc::from(message.as_str())),
                };
                made.unwrap_or_else(|message| resume_unwind(Box::new(message)))
            });
        }
        let creator = self.creator.take();
        if let Some(creator) = creator {
            // The creator may be gone: then it has closed the connection.
            let _ = creator.set_result_unless_cancelled(failure);
        }
        // After the creator, which the line above has woken (TR-01).
        self.socket.schedule_turn();
    }

    pub(super) fn start_reading(&self) {
        self.start.set(Start::Started);
        self.settle();
    }

    pub(super) fn begin_closing(&self) {
        if self.life.get() != Life::Open {
            return;
        }
        if self.buffer.borrow().is_empty() {
            self.lose(None);
        } else {
            self.life.set(Life::Closing);
            self.settle();
        }
    }

    /// Has the connection aborted when the time has passed, if it is not lost by then.
    pub(super) fn set_deadline(&self, limit: Duration) {
        if self.life.get() != Life::Closing {
            return;
        }
        let this = Weak::clone(&self.this);
        let abort = move || {
            if let Some(transport) = this.upgrade() {
                transport.abort();
            }
        };
        // A closed loop has ended the connection already.
        let deadline = self.event_loop.call_later(limit, abort).ok();
        self.replace_deadline(deadline);
    }

    fn replace_deadline(&self, deadline: Option<chapter_04::Handle>) {
        let old = self.deadline.replace(deadline);
        if let Some(old) = old {
            old.cancel();
        }
    }

    /// The one way in which a connection ends. The first cause counts.
    pub(super) fn lose(&self, error: Option<ConnectionError>) {
        if self.is_over() {
            // It may be of any type, and its destructor may panic.
            let _ = contained(|| drop(error));
            return;
        }
        self.life.set(Life::Losing);
        self.error.set(error);
        self.throw_away();
        self.settle();
        self.replace_deadline(None);
        self.socket.schedule_turn();
    }

    /// The last turn.
    pub(super) fn finish(&self, transport: &Rc<dyn Transport>) {
        if self.life.replace(Life::Lost) != Life::Losing {
            return;
        }
        let error = self.error.take();
        if let Some(protocol) = self.current() {
            // The descriptor is still open (TR-31).
            self.notify("connection_lost failed", protocol, |protocol| {
                protocol.connection_lost(transport, error);
            });
        }
        self.let_go();
    }

    /// The loop is closed: there is nobody to call any more (TR-40). One that has ended in order, and
    /// lacks that call alone, is not worth a report.
    pub(super) fn abandon(&self) {
        let life = self.life.replace(Life::Lost);
        if life == Life::Lost {
            return;
        }
        let error = self.error.take();
        if life != Life::Losing || error.is_some() || self.unsent.get() > 0 {
            let message = "a connection was dropped while it was open: its loop is closed";
            self.report(ErrorContext::new(message));
        }
        let _ = contained(|| drop(error));
        self.let_go();
    }

    /// Drops what is kept, and remembers how much it was.
    fn throw_away(&self) {
        let kept = self.buffer.take().len();
        self.unsent.set(self.unsent.get() + kept);
    }

    /// Gives everything back.
    fn let_go(&self) {
        self.throw_away();
        self.socket.close();
        let attachment = self.attachment.take();
        let protocol = self.protocol.take();
        self.release(protocol);
        drop(attachment);
    }
}
