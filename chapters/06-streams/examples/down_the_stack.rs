//! Follows a line through all the layers: what the kernel is asked for it, and what the handler does
//! meanwhile: `cargo run -p chapter-06 --example down_the_stack`.
//!
//! In the place of the kernel stand the fakes of chapters 03 and 05, which say what they are asked.
//! Everything above them is what runs over a real one.

use anyhow::Result;
use chapter_01::Excerpt;
use chapter_02::TryIo;
use chapter_03::fake::FakeBackend;
use chapter_03::{Backend, Event, Interest, Mode, Readiness, Token};
use chapter_04::fake::FakeLoop;
use chapter_04::{Clock, EventLoop, VirtualClock, running_loop};
use chapter_05::Stream;
use chapter_05::fake::{FakeStream, connect};
use chapter_06::{StreamLimits, StreamReader, StreamWriter, protocols};
use std::fmt::Display;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::process::ExitCode;
use std::task::Poll;
use std::time::Duration;

fn main() -> ExitCode {
    chapter_01::exit_code("down_the_stack", start())
}

fn start() -> Result<()> {
    let (backend, clock) = (FakeBackend::new(Mode::Edge), VirtualClock::new());
    let asked = Box::new(Told(backend.clone()));
    let event_loop = EventLoop::with_backend(asked, Clock::Virtual(clock.clone()));
    let mut fake = FakeLoop { event_loop, backend, clock };
    let socket = Told(FakeStream::new().receives([Ok("hello\n"), Ok("")]));
    connect(&fake, socket, protocols(serve, StreamLimits::default())())?;
    // The first wait is that of the pass in which the connection is made.
    fake.backend.report([]);
    fake.backend.report([(0, Readiness::READABLE)]);
    fake.backend.report([(0, Readiness::READABLE | Readiness::READ_CLOSED)]);
    Ok(fake.event_loop.run_forever()?)
}

async fn serve(reader: StreamReader, writer: StreamWriter) -> Result<()> {
    echo_lines(reader, writer).await?;
    running_loop()?.stop();
    Ok(())
}

async fn echo_lines(mut reader: StreamReader, writer: StreamWriter) -> Result<()> {
    loop {
        println!("handler  awaits a line");
        let line = reader.readline().await?;
        if line.is_empty() {
            println!("handler  is at the end");
            return Ok(writer.close().await?);
        }
        println!("handler  has {}", Excerpt(&line));
        writer.write(&line)?;
        writer.drain().await?;
    }
}

/// Says what a part of the kernel is asked, and what it answers.
struct Told<T>(T);

fn tell(question: &str, answer: impl Display) {
    println!("kernel     {question:<21} {answer}");
}

impl<S> Backend<S> for Told<FakeBackend> {
    fn mode(&self) -> Mode {
        Backend::<S>::mode(&self.0)
    }

    fn add(&mut self, source: &S, token: Token, interest: Interest) -> io::Result<()> {
        self.0.add(source, token, interest)
    }

    fn modify(&mut self, source: &S, token: Token, interest: Interest) -> io::Result<()> {
        self.0.modify(source, token, interest)
    }

    fn remove(&mut self, source: &S) -> io::Result<()> {
        self.0.remove(source)
    }

    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        sources: usize,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        Backend::<S>::wait(&mut self.0, events, sources, timeout)?;
        let question = if timeout.is_some() { "wait: is there news?" } else { "wait: sleep" };
        match &events[..] {
            [] => tell(question, "no"),
            events => events
                .iter()
                .for_each(|event| tell(question, format_args!("{:?}", event.readiness))),
        }
        Ok(())
    }

    fn wake(&self) -> Box<dyn Fn() + Send + Sync> {
        Backend::<S>::wake(&self.0)
    }
}

impl TryIo for Told<FakeStream> {
    fn try_accept(&self) -> io::Result<Poll<(Self, SocketAddr)>> {
        Ok(self.0.try_accept()?.map(|(stream, peer)| (Told(stream), peer)))
    }

    fn try_recv(&self, buffer: &mut [u8]) -> io::Result<Poll<usize>> {
        let received = self.0.try_recv(buffer)?;
        match received {
            Poll::Ready(0) => tell("recv", "no bytes: the end"),
            Poll::Ready(count) => tell("recv", Excerpt(&buffer[..count])),
            Poll::Pending => tell("recv", "not yet"),
        }
        Ok(received)
    }

    fn try_send(&self, bytes: &[u8]) -> io::Result<Poll<usize>> {
        let sent = self.0.try_send(bytes)?;
        match sent {
            Poll::Ready(count) => tell("send", Excerpt(&bytes[..count])),
            Poll::Pending => tell("send", "not yet"),
        }
        Ok(sent)
    }
}

impl Stream for Told<FakeStream> {
    fn try_send_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<Poll<usize>> {
        let sent = self.0.try_send_vectored(pieces)?;
        match sent {
            Poll::Ready(count) => tell("sendmsg", format_args!("{count} bytes")),
            Poll::Pending => tell("sendmsg", "not yet"),
        }
        Ok(sent)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        self.0.shutdown_write()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
