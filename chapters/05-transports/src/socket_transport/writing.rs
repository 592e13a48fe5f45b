use super::{Flow, Life, SocketTransport, Writing};
use crate::protocol::ConnectionError;
use crate::stream::{PIECES_MAX, Stream};
use crate::transport::{Transport, WriteError, WriteTransport};
use crate::water_marks::{LimitsError, WaterMarks};
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::task::Poll;

/// The one way of a byte to the kernel: at once if nothing waits, else through the buffer.
impl<S: Stream> SocketTransport<S> {
    /// Writes some pieces, of which `send` offers the first `offered` bytes to the kernel in one
    /// call.
    #[inline]
    fn write_through(
        &self,
        pieces: &[&[u8]],
        offered: usize,
        send: impl FnOnce(&S) -> io::Result<Poll<usize>>,
    ) -> Result<(), WriteError> {
        self.check_writable()?;
        let mut sent = 0;
        // To offer nothing would give an answer without bytes (D-11).
        if offered > 0 && self.buffer.borrow().is_empty() {
            sent = match self.send_now(offered, send) {
                Ok(sent) => sent,
                Err(error) => return Err(self.lost_in_write(error)),
            };
        }
        if sent < offered || pieces.len() > 1 {
            self.keep(pieces, sent);
        }
        Ok(())
    }

    #[inline]
    fn check_writable(&self) -> Result<(), WriteError> {
        if self.writing.get() != Writing::Open {
            return Err(WriteError::AfterEof);
        }
        if self.is_over() { Err(WriteError::Closed) } else { Ok(()) }
    }

    #[inline]
    fn send_now(
        &self,
        offered: usize,
        send: impl FnOnce(&S) -> io::Result<Poll<usize>>,
    ) -> io::Result<usize> {
        self.socket.attempt(|socket, readiness| {
            let sent = match send(socket)? {
                Poll::Ready(count) => count,
                Poll::Pending => 0,
            };
            if sent < offered {
                readiness.after_partial_send();
            }
            Ok(sent)
        })
    }

    #[cold]
    fn lost_in_write(&self, error: io::Error) -> WriteError {
        self.lose(Some(ConnectionError::Io(error)));
        WriteError::Closed
    }

    /// Keeps what follows the first `sent` bytes.
    fn keep(&self, pieces: &[&[u8]], mut sent: usize) {
        let mut buffer = self.buffer.borrow_mut();
        for piece in pieces {
            let skipped = sent.min(piece.len());
            sent -= skipped;
            buffer.push(&piece[skipped..]);
        }
        let is_empty = buffer.is_empty();
        drop(buffer);
        if is_empty {
            return;
        }
        self.settle();
        if self.socket.readiness().is_writable() {
            // There were more pieces than one call takes, and the kernel will not say that it has
            // room: it always had.
            self.socket.defer_turn();
        }
        self.mind_the_high_mark();
    }

    fn mind_the_high_mark(&self) {
        let kept = self.buffer.borrow().len();
        if self.flow.get() == Flow::Resumed && kept > self.marks.get().high() {
            self.flow.set(Flow::PauseDue);
            self.tell_pause(&self.lend());
        }
    }

    /// Sends once what is kept, if there is room for it.
    #[inline]
    pub(super) fn flush(&self, transport: &Rc<dyn Transport>) {
        if self.buffer.borrow().is_empty() || !self.socket.readiness().is_writable() {
            return;
        }
        let sent = self
            .socket
            .attempt(|socket, readiness| self.buffer.borrow_mut().send(socket, readiness));
        match sent {
            Ok(()) => self.after_flush(transport),
            Err(error) => self.lose(Some(ConnectionError::Io(error))),
        }
    }

    fn after_flush(&self, transport: &Rc<dyn Transport>) {
        self.mind_the_low_mark(transport);
        // What is called there may write, close and abort.
        if self.is_over() {
            return;
        }
        if !self.buffer.borrow().is_empty() {
            if self.socket.readiness().is_writable() {
                self.socket.defer_turn();
            }
            return;
        }
        self.settle();
        if self.life.get() == Life::Closing {
            self.lose(None);
            self.finish(transport);
        } else if self.writing.get() == Writing::Draining {
            self.send_eof();
        }
    }

    fn mind_the_low_mark(&self, transport: &Rc<dyn Transport>) {
        let kept = self.buffer.borrow().len();
        if self.flow.get() != Flow::Paused || kept > self.marks.get().low() {
            return;
        }
        self.flow.set(Flow::Resumed);
        if let Some(protocol) = self.current() {
            self.notify("resume_writing failed", protocol, |protocol| {
                protocol.resume_writing(transport);
            });
            self.tell_pause(transport);
        }
    }

    fn send_eof(&self) {
        self.writing.set(Writing::Eof);
        if let Err(error) = self.socket.attempt(|socket, _| socket.shutdown_write()) {
            self.lose(Some(ConnectionError::Io(error)));
        }
    }
}

impl<S: Stream> WriteTransport for SocketTransport<S> {
    #[inline]
    fn write(&self, data: &[u8]) -> Result<(), WriteError> {
        self.write_through(&[data], data.len(), |socket| socket.try_send(data))
    }

    fn writelines(&self, pieces: &[&[u8]]) -> Result<(), WriteError> {
        let full = pieces.iter().filter(|piece| !piece.is_empty());
        let offer: Vec<_> = full.take(PIECES_MAX).map(|piece| IoSlice::new(piece)).collect();
        let offered = offer.iter().map(|piece| piece.len()).sum();
        self.write_through(pieces, offered, |socket| socket.try_send_vectored(&offer))
    }

    fn write_eof(&self) -> io::Result<()> {
        if self.writing.get() == Writing::Open && self.life.get() == Life::Open {
            self.writing.set(Writing::Draining);
            if self.buffer.borrow().is_empty() {
                self.send_eof();
            }
        }
        Ok(())
    }

    fn can_write_eof(&self) -> bool {
        true
    }

    fn abort(&self) {
        self.lose(None);
    }

    fn write_buffer_size(&self) -> usize {
        self.buffer.borrow().len()
    }

    fn unsent(&self) -> usize {
        self.unsent.get()
    }

    fn write_buffer_limits(&self) -> WaterMarks {
        self.marks.get()
    }

    fn set_write_buffer_limits(
        &self,
        high: Option<usize>,
        low: Option<usize>,
    ) -> Result<(), LimitsError> {
        self.marks.set(WaterMarks::new(high, low)?);
        self.mind_the_high_mark();
        Ok(())
    }
}
