//! A connection without a kernel, pass by pass.

#![allow(dead_code, reason = "each test file uses a part of this")]

use chapter_03::{Mode, Readiness};
use chapter_04::Census;
use chapter_04::fake::FakeLoop;
use chapter_05::fake::{FakeStream, connect};
use chapter_05::{ProtocolKind, ProtocolRef, Transport};
use std::rc::Rc;

pub(crate) const NONE: Readiness = Readiness::NONE;
pub(crate) const READABLE: Readiness = Readiness::READABLE;
pub(crate) const WRITABLE: Readiness = Readiness::WRITABLE;
pub(crate) const NOTHING: Census = Census { tasks: 0, timers: 0, sources: 0, ready: 0 };

pub(crate) struct Scene<P> {
    pub(crate) fake: FakeLoop,
    pub(crate) stream: FakeStream,
    pub(crate) transport: Rc<dyn Transport>,
    pub(crate) protocol: ProtocolRef<P>,
}

impl<P: ProtocolKind> Scene<P> {
    /// A connection that is not made yet: the first pass makes it, the second begins to read.
    pub(crate) fn new(stream: FakeStream, protocol: P) -> Scene<P> {
        Scene::over(Mode::Edge, stream, protocol)
    }

    pub(crate) fn over(mode: Mode, stream: FakeStream, protocol: P) -> Scene<P> {
        let fake = FakeLoop::new(mode);
        let (transport, protocol) = connect(&fake, stream.clone(), protocol).unwrap();
        Scene { fake, stream, transport, protocol }
    }

    /// A connection that is made and reads.
    pub(crate) fn begun(stream: FakeStream, protocol: P) -> Scene<P> {
        let mut scene = Scene::new(stream, protocol);
        scene.pass(NONE);
        scene.pass(NONE);
        scene
    }

    /// One pass, which is one round. The kernel reports this of the stream.
    pub(crate) fn pass(&mut self, readiness: Readiness) {
        pass(&mut self.fake, readiness);
    }

    /// Passes without news from the kernel, until nothing is to run any more.
    pub(crate) fn rest(&mut self) {
        while self.fake.event_loop.census().ready > 0 {
            self.pass(NONE);
        }
    }
}

/// Ends the connection, so that the loop does not report it as dropped.
impl<P> Drop for Scene<P> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.transport.abort();
            while self.fake.event_loop.census().ready > 0 {
                pass(&mut self.fake, NONE);
            }
        }
    }
}

fn pass(fake: &mut FakeLoop, readiness: Readiness) {
    fake.backend.report([(0, readiness)]);
    fake.event_loop.stop();
    fake.event_loop.run_forever().unwrap();
}
