//! Streams for a test: over a stream without a kernel, or over a real socket, with something in
//! between or nothing.

#![allow(dead_code, reason = "each test file uses a part of this")]

use super::meet::tcp;
use super::scene::Scene;
use super::stack::Stack;
use chapter_05::fake::FakeStream;
use chapter_05::{AnyProtocol, CallbackResult, connect_accepted_socket};
use chapter_06::{ConnectionLost, StreamLimits, StreamProtocol, StreamWriter, Streams};
use socket2::Socket;
use std::cell::Cell;
use std::future::Future;
use std::io::ErrorKind;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

const KERNEL_BUFFER: usize = 64 * 1024;

/// A protocol, and the place where it puts its stream.
pub(crate) fn placed() -> (StreamProtocol, Rc<Cell<Option<Streams>>>) {
    let place = Rc::<Cell<Option<Streams>>>::default();
    let put = Rc::clone(&place);
    let connected = move |reader, writer| -> CallbackResult {
        put.set(Some((reader, writer)));
        Ok(())
    };
    (StreamProtocol::new(StreamLimits::default(), connected), place)
}

/// A stream that is made and reads, without a kernel.
pub(crate) fn staged(stream: FakeStream) -> (Scene<StreamProtocol>, Streams) {
    let (protocol, place) = placed();
    let scene = Scene::begun(stream, protocol);
    (scene, place.take().unwrap())
}

/// Two connected sockets with small buffers: else the kernel grows its own, and takes a whole flood.
pub(crate) fn narrow_tcp() -> (Socket, Socket) {
    let (near, far) = tcp();
    near.set_send_buffer_size(KERNEL_BUFFER).unwrap();
    far.set_recv_buffer_size(KERNEL_BUFFER).unwrap();
    (near, far)
}

/// A stream of a connected socket.
pub(crate) async fn stream_of(stack: Stack, near: Socket) -> Streams {
    let (protocol, place) = placed();
    let (protocol, _) = AnyProtocol::new(protocol);
    connect_accepted_socket(|| stack.below(protocol), near).await.unwrap();
    place.take().unwrap()
}

/// Polls a future once, with a waker that wakes nobody.
pub(crate) fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// What there is to say of an end: `None` where it was in order, else what broke it, if anything
/// did, and how much was thrown away.
pub(crate) type End = Option<(Option<ErrorKind>, usize)>;

pub(crate) fn end(outcome: Result<(), ConnectionLost>) -> End {
    outcome.err().map(|lost| (lost.cause().map(std::io::Error::kind), lost.unsent()))
}

/// Writes until the kernel takes no more and the writer is full, and says how much that was.
pub(crate) fn fill_up(writer: &StreamWriter) -> usize {
    let high = writer.transport().write_buffer_limits().high();
    let mut written = 0;
    while writer.transport().write_buffer_size() <= high {
        writer.write(&[b'x'; 50_000]).unwrap();
        written += 50_000;
    }
    written
}
