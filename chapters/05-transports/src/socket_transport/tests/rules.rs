use std::io::ErrorKind;

/// What the rules of CONTRACT.md say of one connection, without a line of the transport: what may
/// happen next, and what must be true now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) is_made: bool,
    pub(super) life: Life,
    cause: Cause,
    is_aborted: bool,
    pub(super) is_paused: bool,
    pub(super) is_eof: bool,
    pub(super) eof_asked: bool,
    pub(super) has_deadline: bool,
    /// How many bytes were taken by `write`.
    pub(super) accepted: usize,
    pub(super) received: usize,
    flow: Flow,
    /// How often the protocol was told to pause.
    pub(super) pauses: usize,
    pub(super) low: usize,
    pub(super) high: usize,
    /// The number of the protocol.
    pub(super) protocol: usize,
    /// What the callback that has returned last has decided, if a pause is to be told first.
    decided: Option<Decision>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Open,
    Closing,
    Over,
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Resumed,
    /// The next callback is `pause_writing`.
    Due,
    Paused,
}

/// Why a connection is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    InOrder,
    Network(ErrorKind),
    Protocol,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Callback {
    Made,
    /// So many bytes.
    Data(usize),
    Eof,
    Pause,
    Resume,
    Lost(Cause),
}

/// What a callback decides by the way in which it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Nothing,
    Close,
    Fail,
}

/// What the stream says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) sent: usize,
    pub(super) failure: Option<ErrorKind>,
    pub(super) is_shut_down: bool,
}

/// A rule that is broken.
pub(super) type Checked = Result<(), String>;

fn check(holds: bool, rule: &str) -> Checked {
    if holds { Ok(()) } else { Err(rule.to_owned()) }
}

impl Rules {
    pub(super) fn new(low: usize, high: usize) -> Rules {
        Rules {
            is_made: false,
            life: Life::Open,
            cause: Cause::InOrder,
            is_aborted: false,
            is_paused: false,
            is_eof: false,
            eof_asked: false,
            has_deadline: false,
            accepted: 0,
            received: 0,
            flow: Flow::Resumed,
            pauses: 0,
            low,
            high,
            protocol: 0,
            decided: None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.life, Life::Over | Life::Lost)
    }

    pub(super) fn has_failed(&self) -> bool {
        self.cause != Cause::InOrder
    }

    pub(super) fn is_reading(&self) -> bool {
        self.life == Life::Open && !self.is_eof && !self.is_paused
    }

    /// FC-06, FC-12: bytes that the kernel has count no more, and after a loss there are none.
    pub(super) fn buffered(&self, seen: Seen) -> usize {
        if self.is_over() { 0 } else { self.accepted - seen.sent }
    }

    /// TR-11: what fails in the network ends the connection; the first cause counts.
    pub(super) fn look(&mut self, seen: Seen) {
        if let Some(kind) = seen.failure {
            self.end(Cause::Network(kind));
        }
    }

    fn end(&mut self, cause: Cause) {
        if !self.is_over() {
            (self.life, self.cause) = (Life::Over, cause);
        }
    }

    pub(super) fn abort(&mut self) {
        self.is_aborted |= !self.is_over();
        self.end(Cause::InOrder);
    }

    /// TR-26.
    pub(super) fn close(&mut self, seen: Seen) {
        if self.life == Life::Open {
            self.life = Life::Closing;
            if self.accepted == seen.sent {
                self.end(Cause::InOrder);
            }
        }
    }

    /// Bytes were added or marks moved. `calls_now`: from outside, where the protocol must have been
    /// told by now (FC-03).
    pub(super) fn mind_the_high_mark(&mut self, calls_now: bool, seen: Seen) -> Checked {
        if self.flow == Flow::Resumed && self.buffered(seen) > self.high {
            self.flow = Flow::Due;
            return check(!calls_now, "FC-03: above the high mark, pause_writing is called");
        }
        Ok(())
    }

    /// A callback begins.
    pub(super) fn enter(&mut self, callback: Callback, protocol: usize, seen: Seen) -> Checked {
        self.look(seen);
        check(self.life != Life::Lost, "TR-03: nothing follows connection_lost")?;
        check(protocol == self.protocol, "TR-38: the protocol that is set is called")?;
        check(self.is_made || callback == Callback::Made, "TR-03: connection_made is first")?;
        let may_come = self.flow != Flow::Due || callback == Callback::Pause;
        check(may_come, "FC-03: pause_writing is the next callback after the crossing")?;
        let buffered = self.buffered(seen);
        match callback {
            Callback::Made => {
                check(!self.is_made, "TR-03: connection_made once")?;
                self.is_made = true;
            }
            Callback::Data(count) => {
                check(self.is_reading(), "TR-26, TR-33: data only where it is wanted")?;
                check(count > 0, "TR-07: data is not empty")?;
                self.received += count;
            }
            Callback::Eof => {
                check(self.is_reading(), "D-06, TR-33: the end of file once, where wanted")?;
                self.is_eof = true;
            }
            Callback::Pause => {
                let is_above = self.flow == Flow::Due || buffered > self.high;
                check(self.flow != Flow::Paused, "FC-11: pause and resume take turns")?;
                check(is_above, "FC-03: pause_writing only above the high mark")?;
                self.flow = Flow::Paused;
                self.pauses += 1;
            }
            Callback::Resume => {
                check(self.flow == Flow::Paused, "FC-11: pause and resume take turns")?;
                check(buffered <= self.low, "FC-05: resume_writing at the low mark or below")?;
                check(!self.is_over(), "FC-05: nobody may write on after the end")?;
                self.flow = Flow::Resumed;
            }
            Callback::Lost(cause) => {
                if self.life == Life::Closing && buffered == 0 {
                    self.end(Cause::InOrder);
                }
                check(self.life == Life::Over, "TR-03: connection_lost at the end")?;
                check(cause == self.cause, "PR-03: connection_lost tells the first cause")?;
                self.life = Life::Lost;
            }
        }
        Ok(())
    }

    /// A callback returns. A pause that is due is told before anything comes of its decision.
    pub(super) fn leave(&mut self, decision: Decision, seen: Seen) {
        let decision = self.decided.take().unwrap_or(decision);
        if self.flow == Flow::Due {
            self.decided = Some(decision);
            return;
        }
        match decision {
            Decision::Nothing => {}
            Decision::Close => self.close(seen),
            Decision::Fail => self.end(Cause::Protocol),
        }
    }

    /// A pass is over. `was_flushed`: kept bytes were sent, and no pause was told.
    pub(super) fn after_pass(&mut self, was_flushed: bool, seen: Seen) -> Checked {
        self.look(seen);
        let buffered = self.buffered(seen);
        check(self.flow != Flow::Due, "FC-03: pause_writing in the next turn at the latest")?;
        let is_flushed = self.life == Life::Closing && buffered == 0;
        check(!is_flushed, "TR-27: connection_lost when the flush has ended")?;
        let is_low = self.flow == Flow::Paused && !self.is_over() && buffered <= self.low;
        check(!(was_flushed && is_low), "FC-05: resume_writing when the low mark is reached")?;
        let is_all = self.eof_asked && self.life == Life::Open && buffered == 0;
        check(!is_all || seen.is_shut_down, "TR-25: the end of file behind the last byte")?;
        let may_be_shut_down = self.eof_asked && seen.sent == self.accepted;
        check(!seen.is_shut_down || may_be_shut_down, "TR-25: no end of file unasked or early")
    }

    /// Nothing will happen any more by itself.
    pub(super) fn at_rest(&self, arrived: usize, kernel_takes: bool, seen: Seen) -> Checked {
        check(self.life != Life::Over, "TR-03: an ended connection is lost")?;
        let has_all = self.received == arrived;
        check(!self.is_reading() || has_all, "TR-06: what has arrived is received")?;
        if kernel_takes && !self.is_over() {
            check(self.buffered(seen) == 0, "TR-16: what the kernel takes is sent")?;
            check(self.flow == Flow::Resumed, "FC-05: with everything sent, one may write on")?;
        }
        Ok(())
    }

    /// Everything is over.
    pub(super) fn after_all(&self, seen: Seen) -> Checked {
        check(self.is_made && self.life == Life::Lost, "TR-03: made and lost once each")?;
        let is_whole = seen.sent == self.accepted;
        let may_be_part = self.has_failed() || self.is_aborted;
        check(is_whole || may_be_part, "TR-26: a closed connection sends everything")
    }
}
