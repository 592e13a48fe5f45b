use crate::event::{Event, FAILURE, kind_of_loss};
use crate::peer::{KERNEL_BUFFER, pattern_from};
use crate::play::Play;
use crate::scenario::{Act, Callback, Limits, Reaction};
use chapter_05::{
    AfterEof, BaseProtocol, CallbackResult, ConnectionError, Protocol, Transport, WriteError,
};
use socket2::SockRef;
use std::rc::Rc;

/// What `fill` writes at a time, in bytes: more than both kernel buffers hold, so that something
/// stays.
const FILLING: usize = 1024 * 1024;
/// High enough that nothing that a scenario writes pauses.
const OUT_OF_THE_WAY: usize = 1 << 40;

/// The protocol of a scenario: it logs each callback and does what the scenario wants done there.
pub(crate) struct Actor {
    play: Rc<Play>,
}

impl Actor {
    pub(crate) fn new(play: &Rc<Play>) -> Actor {
        play.log(Event::Factory);
        Actor { play: Rc::clone(play) }
    }

    /// Logs a callback and does what belongs to it.
    fn react(&self, callback: Callback, event: Event) -> CallbackResult {
        let call = self.play.log_call(callback, event);
        for reaction in self.play.scenario.reactions.get(&callback).into_iter().flatten() {
            match reaction {
                Reaction::Only(number) if *number != call => break,
                Reaction::Only(_) => {}
                Reaction::Raise => return Err(FAILURE.into()),
                Reaction::Act(act) => self.play.act(act),
            }
        }
        Ok(())
    }

    /// The same in a callback that returns nothing: there, to fail is to panic.
    fn react_or_panic(&self, callback: Callback, event: Event) {
        if self.react(callback, event).is_err() {
            // Without the hook, which would write to standard error.
            std::panic::resume_unwind(Box::new(FAILURE));
        }
    }
}

impl BaseProtocol for Actor {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        transport.with_descriptor(&mut |socket| {
            // Refused, the buffers are larger; then a scenario that fills them says so.
            let _ = SockRef::from(&socket).set_send_buffer_size(KERNEL_BUFFER);
        });
        self.play.set_transport(transport);
        self.react(Callback::Made, Event::Made)
    }

    fn connection_lost(&mut self, _: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        self.play.set_lost(error.is_none());
        self.react_or_panic(Callback::Lost, Event::Lost(kind_of_loss(error.as_ref())));
    }

    fn pause_writing(&mut self, _: &Rc<dyn Transport>) {
        self.react_or_panic(Callback::Pause, Event::Pause);
    }

    fn resume_writing(&mut self, _: &Rc<dyn Transport>) {
        self.react_or_panic(Callback::Resume, Event::Resume);
    }

    fn eof_received(&mut self, _: &Rc<dyn Transport>) -> CallbackResult<AfterEof> {
        self.react(Callback::Eof, Event::Eof)?;
        Ok(if self.play.scenario.keep_open { AfterEof::KeepOpen } else { AfterEof::Close })
    }
}

impl Protocol for Actor {
    fn data_received(&mut self, _: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        self.react(Callback::Data, Event::Data(data.len()))
    }
}

impl Play {
    /// Does one thing to the transport, and logs it if it is refused.
    pub(crate) fn act(&self, act: &Act) {
        // A step sees what all steps before it have brought about.
        self.rest();
        if let Some(transport) = self.transport()
            && let Err(kind) = self.try_act(&*transport, act)
        {
            self.log(Event::Refused(act.name(), kind));
        }
    }

    /// The error is the name of asyncio's exception for it.
    fn try_act(&self, transport: &dyn Transport, act: &Act) -> Result<(), &'static str> {
        match act {
            Act::Write(count) => self.write(*count, |bytes| transport.write(bytes))?,
            Act::Writelines(counts) => self.writelines(transport, counts)?,
            Act::WriteEof => transport.write_eof().map_err(|_| "OSError")?,
            Act::Close => transport.close(),
            Act::Abort => {
                self.set_discards();
                transport.abort();
            }
            Act::PauseReading => transport.pause_reading(),
            Act::ResumeReading => transport.resume_reading(),
            Act::Limits(limits) => limits.set(transport)?,
            Act::Fill => self.fill(transport)?,
            Act::State => self.log(Event::State {
                closing: transport.is_closing(),
                reading: transport.is_reading(),
                buffered: transport.write_buffer_size() > 0,
            }),
            Act::Mark(what) => self.log(Event::Mark(what.clone())),
        }
        Ok(())
    }
}

/// How a step writes. Everything that is written is one endless pattern, so that the peer can tell
/// whether it arrives in order.
impl Play {
    fn write(
        &self,
        count: usize,
        write: impl FnOnce(&[u8]) -> Result<(), WriteError>,
    ) -> Result<(), &'static str> {
        let place = self.add_to_written(count);
        match write(&pattern_from(place, count)) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.take_from_written(count);
                match error {
                    WriteError::AfterEof => Err("RuntimeError"),
                    // asyncio says nothing of it (TR-19).
                    WriteError::Closed => Ok(()),
                }
            }
        }
    }

    fn writelines(&self, transport: &dyn Transport, counts: &[usize]) -> Result<(), &'static str> {
        self.write(counts.iter().sum(), |mut bytes| {
            let mut pieces = Vec::new();
            for count in counts {
                let (piece, rest) = bytes.split_at(*count);
                pieces.push(piece);
                bytes = rest;
            }
            transport.writelines(&pieces)
        })
    }

    /// Writes until the transport has to keep something. The low mark is zero: how much more the
    /// kernel takes later, and would resume at another mark, is its own affair.
    fn fill(&self, transport: &dyn Transport) -> Result<(), &'static str> {
        transport
            .set_write_buffer_limits(Some(OUT_OF_THE_WAY), Some(0))
            .map_err(|_| "ValueError")?;
        while transport.write_buffer_size() == 0 && !transport.is_closing() {
            self.write(FILLING, |bytes| transport.write(bytes))?;
        }
        Ok(())
    }
}

impl Limits {
    fn set(self, transport: &dyn Transport) -> Result<(), &'static str> {
        let size = i64::try_from(transport.write_buffer_size()).unwrap_or(i64::MAX);
        let base = if self.from_size { size } else { 0 };
        // A mark below zero, which no transport here can be told, is what asyncio refuses (FC-02).
        let mark = |mark: Option<i64>| {
            let mark = mark.map(|mark| usize::try_from(base + mark));
            mark.transpose().map_err(|_| "ValueError")
        };
        let (high, low) = (mark(self.high)?, mark(self.low)?);
        transport.set_write_buffer_limits(high, low).map_err(|_| "ValueError")
    }
}
