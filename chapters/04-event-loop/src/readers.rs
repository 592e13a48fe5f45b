use crate::join_handle::JoinHandle;
use crate::loop_core::Core;
use crate::loop_handle::LoopHandle;
use crate::reactor::{Direction, Watched};
use crate::report::{ErrorContext, Subject};
use crate::waiters::WaitNumber;
use chapter_03::{Source, Token};
use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The sources whose readiness calls a callback. Each has at most one for reading and one for
/// writing, and is registered once for both (SE-09).
///
/// They are known by the numbers of their descriptors: the loop owns them, so a number stays with
/// its source for as long as it is in here (D-25).
#[derive(Default)]
pub(crate) struct Readers {
    table: RefCell<HashMap<RawFd, Registered>>,
}

struct Registered {
    token: Token,
    watched: Rc<Watched>,
    reader: Option<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
}

impl LoopHandle {
    /// Has a callback run in each pass that finds something to receive or accept: again and again
    /// as long as it leaves anything there, whether the kernel repeats its report or not.
    ///
    /// The loop shares the source until both its callbacks are removed. A source has one reader: a
    /// second one takes the place of the first, which does not run any more (LP-20). A reader that
    /// panics is reported, and stays.
    ///
    /// ```
    /// use chapter_04::EventLoop;
    /// use socket2::{Domain, Socket, Type};
    /// use std::rc::Rc;
    ///
    /// let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
    /// let near = Rc::new(near);
    /// let mut event_loop = EventLoop::new()?;
    /// let handle = event_loop.clone();
    /// event_loop.add_reader(near.clone(), move || handle.stop())?;
    /// far.send(b"hi")?;
    /// event_loop.run_forever()?;
    /// assert!(event_loop.remove_reader(&near));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotConnected` if the loop is closed. Else the kernel's: it is of a kind that cannot be
    /// watched, such as a regular file.
    #[track_caller]
    pub fn add_reader(
        &self,
        source: Rc<dyn Source>,
        callback: impl FnMut() + 'static,
    ) -> io::Result<()> {
        Readers::add(&self.core, source, Direction::Read, Box::new(callback), Location::caller())
    }

    /// Has a callback run in each pass that finds room to send; otherwise as
    /// [`add_reader`](LoopHandle::add_reader). Where both are ready, the reader runs first (LP-23).
    ///
    /// # Errors
    ///
    /// As [`add_reader`](LoopHandle::add_reader).
    #[track_caller]
    pub fn add_writer(
        &self,
        source: Rc<dyn Source>,
        callback: impl FnMut() + 'static,
    ) -> io::Result<()> {
        Readers::add(&self.core, source, Direction::Write, Box::new(callback), Location::caller())
    }

    /// Removes a source's reader, at once: it does not run any more, not even in this pass (LP-22).
    /// Says whether there was one.
    pub fn remove_reader(&self, source: &dyn Source) -> bool {
        Readers::remove(&self.core, source, Direction::Read)
    }

    /// Removes a source's writer, as [`remove_reader`](LoopHandle::remove_reader) does.
    pub fn remove_writer(&self, source: &dyn Source) -> bool {
        Readers::remove(&self.core, source, Direction::Write)
    }
}

impl Readers {
    fn add(
        core: &Rc<Core>,
        source: Rc<dyn Source>,
        direction: Direction,
        callback: Box<dyn FnMut()>,
        place: &'static Location<'static>,
    ) -> io::Result<()> {
        core.check_open().map_err(|closed| io::Error::new(ErrorKind::NotConnected, closed))?;
        let descriptor = source.as_fd().as_raw_fd();
        let (token, watched) = core.readers.registration(core, source, descriptor, direction)?;
        // What was reported before was for others; a source that is ready is reported again.
        watched.readiness.set(watched.readiness.get() - direction.flag());
        let core_too = Rc::clone(core);
        let (callback, wait) = (RawCallback { run: callback, place }, None);
        let watch = Watch { core: core_too, token, watched, direction, callback, wait };
        let task = core.tasks.spawn(core, Box::pin(watch), place);
        let old = core.readers.replace(descriptor, direction, task);
        old.iter().for_each(JoinHandle::cancel_now);
        Ok(())
    }

    /// The source's registration: the one it has, or a new one.
    fn registration(
        &self,
        core: &Rc<Core>,
        source: Rc<dyn Source>,
        descriptor: RawFd,
        direction: Direction,
    ) -> io::Result<(Token, Rc<Watched>)> {
        let mut table = self.table.borrow_mut();
        if let Some(Registered { token, watched, .. }) = table.get(&descriptor) {
            core.reactor.report_again(*token, watched, direction)?;
            return Ok((*token, Rc::clone(watched)));
        }
        let (token, watched) = core.reactor.register_for(source, direction)?;
        let registered =
            Registered { token, watched: Rc::clone(&watched), reader: None, writer: None };
        table.insert(descriptor, registered);
        Ok((token, watched))
    }

    fn replace(
        &self,
        descriptor: RawFd,
        direction: Direction,
        task: JoinHandle<()>,
    ) -> Option<JoinHandle<()>> {
        let mut table = self.table.borrow_mut();
        let registered = table.get_mut(&descriptor).expect("its registration was just made");
        registered.task(direction).replace(task)
    }

    fn remove(core: &Rc<Core>, source: &dyn Source, direction: Direction) -> bool {
        let descriptor = source.as_fd().as_raw_fd();
        let mut table = core.readers.table.borrow_mut();
        let Some(registered) = table.get_mut(&descriptor) else { return false };
        let Some(task) = registered.task(direction).take() else { return false };
        let token = registered.token;
        let is_last = registered.reader.is_none() && registered.writer.is_none();
        if is_last {
            table.remove(&descriptor);
        }
        drop(table);
        // First the source, then what the callback owns, whose destructors may add it again.
        if is_last {
            // If the kernel refuses, the loop has let go of it all the same.
            let _ = core.reactor.unregister(token);
        }
        task.cancel_now();
        true
    }

    /// Drops every callback. The sources go with the reactor.
    pub(crate) fn close(&self) {
        let table = self.table.take();
        let tasks = table.into_values().flat_map(|all| [all.reader, all.writer]);
        tasks.flatten().for_each(|task| task.cancel_now());
    }
}

impl Registered {
    fn task(&mut self, direction: Direction) -> &mut Option<JoinHandle<()>> {
        match direction {
            Direction::Read => &mut self.reader,
            Direction::Write => &mut self.writer,
        }
    }
}

/// The task of one callback. It waits as every task does, so the order of callbacks, their removal
/// and their place in the pass are those of tasks.
struct Watch {
    core: Rc<Core>,
    token: Token,
    watched: Rc<Watched>,
    direction: Direction,
    callback: RawCallback,
    wait: Option<WaitNumber>,
}

struct RawCallback {
    run: Box<dyn FnMut()>,
    place: &'static Location<'static>,
}

impl Future for Watch {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.turn(context.waker()) {
            Ok(()) => Poll::Pending,
            // The callback has removed itself.
            Err(error) if error.kind() == ErrorKind::NotFound => Poll::Ready(()),
            Err(error) => {
                let context = ErrorContext::new("a source cannot be watched any more");
                let subject = Subject::Callback(self.callback.place);
                self.core.report(&context.with_error(error).about(subject));
                Poll::Ready(())
            }
        }
    }
}

impl Watch {
    fn turn(&mut self, waker: &Waker) -> io::Result<()> {
        self.leave();
        if self.take_report() {
            let RawCallback { run, place } = &mut self.callback;
            self.core.guard(place, run);
            // The kernel may have told all it will tell of bytes that the callback has left there.
            self.core.reactor.report_again(self.token, &self.watched, self.direction)?;
        }
        let Watch { core, token, watched, direction, .. } = self;
        self.wait = Some(core.reactor.wait_for(*token, watched, *direction, waker)?);
        Ok(())
    }

    /// Whether the source was reported since the callback ran.
    fn take_report(&self) -> bool {
        let readiness = self.watched.readiness.get();
        self.watched.readiness.set(readiness - self.direction.flag());
        readiness.contains(self.direction.flag())
    }

    fn leave(&mut self) {
        if let Some(number) = self.wait.take() {
            self.watched.leave(self.direction, number);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.leave();
    }
}
