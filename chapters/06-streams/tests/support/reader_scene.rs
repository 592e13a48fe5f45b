//! A reader without a kernel, under limits of the test's choice, and every way to read.

#![allow(dead_code, reason = "each test file uses a part of this")]

use super::scene::Scene;
use chapter_05::fake::FakeStream;
use chapter_05::{CallbackResult, Protocol};
use chapter_06::{Chunk, ReadError, StreamLimits, StreamProtocol, StreamReader, Streams};
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

/// A stream that is made and reads.
pub(crate) fn staged_with(
    limits: StreamLimits,
    stream: FakeStream,
) -> (Scene<StreamProtocol>, Streams) {
    let place = Rc::<Cell<Option<Streams>>>::default();
    let put = Rc::clone(&place);
    let connected = move |reader, writer| -> CallbackResult {
        put.set(Some((reader, writer)));
        Ok(())
    };
    let scene = Scene::begun(stream, StreamProtocol::new(limits, connected));
    (scene, place.take().unwrap())
}

/// Has bytes come outside of any pass: whoever waits for them is woken, and has not run.
pub(crate) fn feed(scene: &Scene<StreamProtocol>, data: &[u8]) {
    let fed = scene.protocol.with(|protocol| protocol.data_received(&scene.transport, data));
    fed.unwrap().unwrap();
}

pub(crate) type Reading<'a> = Pin<Box<dyn Future<Output = Result<Chunk, ReadError>> + 'a>>;

/// A way to read.
pub(crate) type Method = fn(&mut StreamReader) -> Reading<'_>;

/// All of them.
pub(crate) const METHODS: [(&str, Method); 6] = [
    ("read", |reader| Box::pin(reader.read(3))),
    ("read_to_end", |reader| Box::pin(reader.read_to_end())),
    ("readexactly", |reader| Box::pin(reader.readexactly(5))),
    ("readuntil", |reader| Box::pin(reader.readuntil(b"\r\n"))),
    ("readuntil_any", |reader| Box::pin(reader.readuntil_any(&[b"\r\n", b"lo"]))),
    ("readline", |reader| Box::pin(reader.readline())),
];

/// What a read has said, in a form that can be compared.
pub(crate) fn said(read: Result<Chunk, ReadError>) -> Result<Vec<u8>, String> {
    read.map(Chunk::into_vec).map_err(|error| format!("{error:?}"))
}

/// The bytes that a read has taken, if it has taken any.
pub(crate) fn taken(read: Result<Chunk, ReadError>) -> Vec<u8> {
    match read {
        Ok(bytes) => bytes.into_vec(),
        Err(ReadError::Incomplete { partial, .. }) => partial,
        Err(_) => Vec::new(),
    }
}
