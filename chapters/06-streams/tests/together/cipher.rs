//! Streams above a cipher and above none: the same script gives the same results. What stands between
//! socket and stream is wrapped around what `protocols` makes, and around the client's protocol.

use crate::guests::{address, both, until};
use crate::meet::pattern;
use crate::net::passes;
use crate::scene;
use crate::stack::{STACKS, Stack};
use crate::streams::{end, placed};
use crate::watch::reports;
use chapter_03::{Mode, Readiness};
use chapter_04::fake::FakeLoop;
use chapter_04::{Outcome, spawn};
use chapter_05::fake::{Call, FakeStream, connect};
use chapter_05::{AnyProtocol, Server, WriteError, create_connection, create_server};
use chapter_06::{
    ConnectionLost, ReadError, StreamLimits, StreamReader, StreamWriter, Streams, protocols,
};
use socket2::SockRef;
use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

/// A server whose clients have a stack between socket and stream.
async fn serve<F>(
    stack: Stack,
    limits: StreamLimits,
    handle: impl Fn(StreamReader, StreamWriter) -> F + 'static,
) -> Server
where
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    let plain = protocols(handle, limits);
    let make = move || stack.below(AnyProtocol::new(plain()).0);
    create_server(make, ("127.0.0.1", 0)).await.unwrap()
}

/// A client that has the same one.
async fn open(stack: Stack, address: SocketAddr) -> Streams {
    let (protocol, place) = placed();
    let protocol = stack.below(AnyProtocol::new(protocol).0);
    create_connection(|| protocol, address).await.unwrap();
    place.take().unwrap()
}

/// Keeps the kernel from growing its buffers until a whole flood fits.
fn narrow(writer: &StreamWriter) {
    let lent = writer.transport().with_descriptor(&mut |descriptor| {
        SockRef::from(&descriptor).set_send_buffer_size(64 * 1024).unwrap();
        SockRef::from(&descriptor).set_recv_buffer_size(64 * 1024).unwrap();
    });
    assert!(lent);
}

/// RD-03, RD-07 and WR-01: lines, one at a time and many at once, short ones, long ones and one that
/// is too long.
#[test]
fn lines_go_through_a_cipher() {
    both(|_| async {
        for stack in STACKS {
            let limits = StreamLimits::new(50).unwrap();
            let server = serve(stack, limits, |mut reader, writer| async move {
                loop {
                    match reader.readline().await {
                        Ok(line) if line.is_empty() => return anyhow::Ok(()),
                        Ok(line) => writer.write(&line.to_ascii_uppercase())?,
                        Err(ReadError::LineTooLong { .. }) => writer.write(b"too long\n")?,
                        Err(error) => return Err(error.into()),
                    }
                    writer.drain().await?;
                }
            })
            .await;
            let (mut reader, writer) = open(stack, address(&server)).await;
            writer.write(b"one").unwrap();
            passes(2).await;
            writer.write(b" line\n").unwrap();
            assert_eq!(reader.readline().await.unwrap(), b"ONE LINE\n", "{stack:?}");
            let long = [vec![b'x'; 200], b"\nnext\n".to_vec()].concat();
            writer.writelines(&[b"a\n", b"\n", &long, b"last"]).unwrap();
            writer.write_eof().unwrap();
            let rest = reader.read_to_end().await.unwrap();
            assert_eq!(rest, b"A\n\ntoo long\nNEXT\nLAST", "{stack:?}");
        }
    });
}

/// RD-02, RD-12 and WR-03: frames far above every limit, read exactly, and sent back reversed while
/// the next one comes.
#[test]
fn large_frames_go_through_a_cipher() {
    both(|_| async {
        for stack in STACKS {
            let server = serve(stack, StreamLimits::default(), |mut reader, writer| async move {
                loop {
                    let length = match reader.readexactly(4).await {
                        Ok(length) => u32::from_be_bytes(length[..].try_into()?),
                        Err(ReadError::Incomplete { partial, .. }) if partial.is_empty() => break,
                        Err(error) => return Err(anyhow::Error::from(error)),
                    };
                    let mut frame = reader.readexactly(length.try_into()?).await?.into_vec();
                    frame.reverse();
                    writer.writelines(&[&length.to_be_bytes(), &frame])?;
                    writer.drain().await?;
                }
                anyhow::Ok(())
            })
            .await;
            let (mut reader, writer) = open(stack, address(&server)).await;
            let (lengths, writer) = ([0, 1, 70_000, 400_000, 3], Rc::new(writer));
            let sends = Rc::clone(&writer);
            let sending = spawn(async move {
                for length in lengths {
                    let header = u32::try_from(length).unwrap().to_be_bytes();
                    sends.writelines(&[&header, &pattern(length)]).unwrap();
                    sends.drain().await.unwrap();
                }
                sends.write_eof().unwrap();
            });
            for length in lengths {
                let header = reader.readexactly(4).await.unwrap();
                assert_eq!(header, u32::try_from(length).unwrap().to_be_bytes());
                let mut frame = reader.readexactly(length).await.unwrap().into_vec();
                frame.reverse();
                assert!(frame == pattern(length), "{stack:?}, {length}");
            }
            assert!(reader.read(1).await.unwrap().is_empty());
            sending.await.unwrap();
            assert_eq!(end(writer.close().await), None);
        }
    });
}

const PIECE: usize = 20_000;
const PIECES: usize = 150;

/// Sends a pattern piece by piece, and shows how much was written.
async fn flood(writer: &StreamWriter, written: &Cell<usize>) {
    let bytes = pattern(PIECE * PIECES);
    for piece in bytes.chunks(PIECE) {
        writer.write(piece).unwrap();
        written.set(written.get() + piece.len());
        writer.drain().await.unwrap();
    }
    writer.write_eof().unwrap();
}

/// Waits until one end is full and the other one is not read, and looks whether it stays so. Then
/// reads everything.
async fn stall_and_read(
    stack: Stack,
    (writer, written): (&StreamWriter, &Cell<usize>),
    (mut reader, reads): (StreamReader, &StreamWriter),
) {
    let high = writer.transport().write_buffer_limits().high();
    let kept = || writer.transport().write_buffer_size();
    let is_full = || kept() > high && !reads.transport().is_reading();
    until(is_full).await;
    passes(5).await;
    until(is_full).await;
    assert!(kept() <= high + PIECE, "{stack:?}: {} bytes are kept", kept());
    assert!(written.get() < PIECE * PIECES / 2, "{stack:?}: {} were written", written.get());
    assert!(reader.read_to_end().await.unwrap() == pattern(PIECE * PIECES), "{stack:?}");
}

/// WR-03, RD-11 and RD-13: who is not read stops, at the same marks, in either direction; and goes on
/// when he is.
#[test]
fn a_cipher_hands_back_pressure_through() {
    both(|_| async {
        for stack in STACKS {
            let server_ends = Rc::<RefCell<Vec<Streams>>>::default();
            let put = Rc::clone(&server_ends);
            let handle = move |reader, writer| {
                put.borrow_mut().push((reader, writer));
                std::future::ready(())
            };
            let server = serve(stack, StreamLimits::default(), handle).await;
            for server_floods in [true, false] {
                let client = open(stack, address(&server)).await;
                until(|| !server_ends.borrow().is_empty()).await;
                let served = server_ends.borrow_mut().pop().unwrap();
                let (floods, reads) =
                    if server_floods { (served, client) } else { (client, served) };
                narrow(&floods.1);
                narrow(&reads.1);
                let (writer, written) = (Rc::new(floods.1), Rc::new(Cell::new(0)));
                let (sends, counts) = (Rc::clone(&writer), Rc::clone(&written));
                let flooding = spawn(async move { flood(&sends, &counts).await });
                stall_and_read(stack, (&writer, &written), (reads.0, &reads.1)).await;
                flooding.await.unwrap();
            }
        }
    });
}

/// ST-07 and WR-13: a cipher has no end of its own, so each half of a connection ends alone.
#[test]
fn a_half_close_goes_through_a_cipher() {
    both(|_| async {
        for stack in STACKS {
            let handle = |mut reader: StreamReader, writer: StreamWriter| async move {
                let question = reader.read_to_end().await.unwrap();
                writer.write(format!("{} bytes", question.len()).as_bytes()).unwrap();
                writer.write_eof().unwrap();
                writer.close().await.unwrap();
            };
            let server = serve(stack, StreamLimits::default(), handle).await;
            let (mut reader, writer) = open(stack, address(&server)).await;
            writer.write(&pattern(200_000)).unwrap();
            writer.write_eof().unwrap();
            assert_eq!(writer.write(b"x"), Err(WriteError::AfterEof));
            assert_eq!(reader.read_to_end().await.unwrap(), b"200000 bytes", "{stack:?}");
            assert_eq!(end(writer.close().await), None);
            until(|| server.connection_count() == 0).await;
        }
    });
}

/// D-20, ST-08 and WR-04: a reset is told to the reader, behind what came before it, and to the
/// writer.
#[test]
fn d_20_a_reset_goes_through_a_cipher() {
    both(|_| async {
        for stack in STACKS {
            let told = Rc::<RefCell<Vec<String>>>::default();
            let list = Rc::clone(&told);
            let handle = move |mut reader: StreamReader, writer: StreamWriter| {
                let list = Rc::clone(&list);
                async move {
                    assert_eq!(reader.readexactly(5).await.unwrap(), b"first");
                    writer.write(b"!").unwrap();
                    let lost = writer.wait_closed().await.unwrap_err();
                    let note = |text: String| list.borrow_mut().push(text);
                    note(format!("{:?}, {}", lost.cause().unwrap().kind(), lost.unsent()));
                    note(String::from_utf8(reader.read(100).await.unwrap().into_vec()).unwrap());
                    let Err(ReadError::Lost(lost)) = reader.read(100).await else { panic!() };
                    note(format!("{:?}", lost.cause().unwrap().kind()));
                    note(format!("{:?}", writer.drain().await.unwrap_err().unsent()));
                }
            };
            let server = serve(stack, StreamLimits::default(), handle).await;
            let (mut reader, writer) = open(stack, address(&server)).await;
            writer.write(b"first, before").unwrap();
            // A reset that comes before it is received would take it away.
            assert_eq!(reader.readexactly(1).await.unwrap(), b"!");
            writer.transport().with_descriptor(&mut |descriptor| {
                SockRef::from(&descriptor).set_linger(Some(Duration::ZERO)).unwrap();
            });
            writer.transport().abort();
            until(|| told.borrow().len() == 4).await;
            let expected = ["ConnectionReset, 0", ", before", "ConnectionReset", "0"];
            assert_eq!(*told.borrow(), expected, "{stack:?}");
        }
    });
}

/// Marsaglia's xorshift: the same numbers for the same seed, on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }
}

/// One thing that is done with a stream.
#[derive(Debug, Clone, Copy)]
enum Step {
    Write(usize),
    WriteLines(usize, usize),
    /// A task that drains.
    Drain,
    /// A task that waits for the end.
    WaitClosed,
    /// A task that reads so much.
    Read(usize),
    /// The task of so many steps before is cancelled.
    Cancel(usize),
    /// The kernel reports this.
    Pass(Readiness),
    Limits(usize, usize),
    WriteEof,
    Close,
    CloseWithin,
    Abort,
}

#[derive(Debug, Clone)]
struct Plan {
    receives: Vec<Result<Vec<u8>, ErrorKind>>,
    takes: Vec<Result<Option<usize>, ErrorKind>>,
    steps: Vec<Step>,
}

impl Plan {
    fn new(random: &mut Random) -> Plan {
        let receives = (0..random.below(6)).map(|_| match random.below(12) {
            0 => Ok(Vec::new()),
            1 => Err(ErrorKind::ConnectionReset),
            length => Ok(vec![b'a'; length]),
        });
        let receives = receives.collect();
        let takes = (0..random.below(12)).map(|_| match random.below(16) {
            0 => Err(ErrorKind::BrokenPipe),
            1..8 => Ok(None),
            count => Ok(Some(count - 7)),
        });
        let takes = takes.collect();
        let steps = (0..30).map(|_| match random.below(32) {
            0..6 => Step::Write(random.below(20)),
            6..8 => Step::WriteLines(random.below(10), random.below(10)),
            8..13 => Step::Drain,
            13..15 => Step::WaitClosed,
            15..17 => Step::Read(random.below(20)),
            17 => Step::Cancel(random.below(5)),
            18..27 => Step::Pass(
                Readiness::READABLE.when(random.below(2) == 0)
                    | Readiness::WRITABLE.when(random.below(3) > 0),
            ),
            27 => Step::Limits(random.below(12), random.below(6)),
            28 => Step::WriteEof,
            29 => Step::Close,
            30 => Step::CloseWithin,
            _ => Step::Abort,
        });
        Plan { receives, takes, steps: steps.collect() }
    }
}

/// What has come of a plan: each answer and each end of a wait, in order, and what the stream below
/// was given.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    trace: Vec<String>,
    offered: Vec<Option<usize>>,
    sent: Vec<u8>,
    left_to_receive: usize,
}

/// Plays a plan with something between the transport and the stream. At its end everything is
/// aborted, and then nothing may wait any more, nor be left.
fn play(plan: &Plan, stack: Stack) -> Seen {
    let mut fake = FakeLoop::new(Mode::Edge);
    let reports = reports(&fake.event_loop);
    let (mut inwards, mut outwards) = (stack.wire(), stack.wire());
    let receives = plan.receives.iter().map(|piece| match piece {
        Ok(bytes) => Ok(inwards.apply(bytes)),
        Err(kind) => Err(*kind),
    });
    let stream = FakeStream::new().receives(receives).takes(plan.takes.iter().copied());
    let (protocol, place) = placed();
    let below = stack.below(AnyProtocol::new(protocol).0);
    let (transport, shared) = connect(&fake, stream.clone(), below).unwrap();
    drop(shared);
    pass(&mut fake, Readiness::NONE);
    pass(&mut fake, Readiness::NONE);
    let (reader, writer) = place.take().unwrap();
    let trace = Rc::<RefCell<Vec<String>>>::default();
    let (reader, writer) = (Rc::new(RefCell::new(Some(reader))), Rc::new(writer));
    writer.transport().set_write_buffer_limits(Some(20), Some(5)).unwrap();
    let mut tasks = Vec::new();
    for (number, step) in plan.steps.iter().enumerate() {
        let note = {
            let (trace, step) = (Rc::clone(&trace), *step);
            move |outcome: String| trace.borrow_mut().push(format!("{number} {step:?}: {outcome}"))
        };
        let says = |lost: Result<(), ConnectionLost>| format!("{:?}", end(lost));
        let task = match *step {
            Step::Write(count) => {
                note(format!("{:?}", writer.write(&pattern(count))));
                None
            }
            Step::WriteLines(first, second) => {
                let lines: [&[u8]; 2] = [&pattern(first), &pattern(second)];
                note(format!("{:?}", writer.writelines(&lines)));
                None
            }
            Step::Drain => {
                let writer = Rc::clone(&writer);
                let drain = async move { note(says(writer.drain().await)) };
                Some(fake.event_loop.spawn(drain).unwrap())
            }
            Step::WaitClosed => {
                let closed = writer.wait_closed();
                let wait = async move { note(says(closed.await)) };
                Some(fake.event_loop.spawn(wait).unwrap())
            }
            Step::Read(count) => {
                let reader = Rc::clone(&reader);
                let read = async move {
                    // One task at a time has it.
                    let taken = reader.borrow_mut().take();
                    let Some(taken) = taken else { return };
                    let mut back = Back(Some(taken), reader);
                    let outcome = back.0.as_mut().unwrap().read(count).await;
                    note(outcome.map_or_else(|e| e.to_string(), |bytes| format!("{bytes:?}")));
                };
                Some(fake.event_loop.spawn(read).unwrap())
            }
            Step::Cancel(before) => {
                let task = number.checked_sub(before + 1).map(|number| &tasks[number]);
                if let Some(Some(task)) = task {
                    chapter_04::JoinHandle::cancel(task);
                }
                None
            }
            Step::Pass(report) => {
                pass(&mut fake, report);
                None
            }
            Step::Limits(high, low) => {
                let moved = writer.transport().set_write_buffer_limits(Some(high), Some(low));
                note(format!("{moved:?}"));
                None
            }
            Step::WriteEof => {
                note(format!("{:?}", writer.write_eof().map_err(|error| error.kind())));
                None
            }
            Step::Close => {
                drop(writer.close());
                None
            }
            Step::CloseWithin => {
                drop(writer.close_within(Duration::from_secs(1)));
                None
            }
            Step::Abort => {
                writer.transport().abort();
                None
            }
        };
        tasks.push(task);
        let kept = writer.transport().write_buffer_size();
        trace.borrow_mut().push(format!("{kept} kept, closing {}", writer.is_closing()));
    }
    writer.transport().abort();
    while fake.event_loop.census().ready > 0 {
        pass(&mut fake, Readiness::NONE);
    }
    for (number, task) in tasks.iter().enumerate() {
        let is_done = task.as_ref().is_none_or(chapter_04::JoinHandle::is_finished);
        assert!(is_done, "{stack:?}: step {number} waits for ever: {:?}", trace.borrow());
    }
    drop((tasks, reader, writer));
    let left = Rc::downgrade(&transport);
    drop(transport);
    assert!(left.upgrade().is_none(), "{stack:?}: something is left of the connection");
    assert_eq!(fake.event_loop.census(), scene::NOTHING);
    assert!(reports.borrow().is_empty(), "{reports:?}");
    let offered = stream.calls().into_iter().map(|call| match call {
        Call::Send(length) => Some(length),
        Call::SendVectored(lengths) => Some(lengths.iter().sum()),
        Call::ShutdownWrite => None,
    });
    Seen {
        trace: trace.take(),
        offered: offered.collect(),
        sent: outwards.apply(&stream.sent()),
        left_to_receive: stream.left_to_receive(),
    }
}

/// A reader that goes back to its place, also when its task is cancelled.
struct Back(Option<StreamReader>, Rc<RefCell<Option<StreamReader>>>);

impl Drop for Back {
    fn drop(&mut self) {
        *self.1.borrow_mut() = self.0.take();
    }
}

fn pass(fake: &mut FakeLoop, report: Readiness) {
    fake.backend.report([(0, report)]);
    fake.event_loop.stop();
    fake.event_loop.run_forever().unwrap();
}

/// WR-02 to WR-09, and D-21: whatever is done in whichever order, above a cipher it is answered as
/// above none, drains wait for the same bytes and end in the same pass, and nobody waits for ever.
#[test]
fn a_stream_above_a_cipher_answers_as_one_above_none() {
    let mut random = Random(0x5eed_5eed);
    for number in 0..2000 {
        let plan = Plan::new(&mut random);
        let plain = play(&plan, Stack::Nothing);
        for stack in [Stack::Cipher, Stack::CipherOnCipher] {
            assert_eq!(play(&plan, stack), plain, "plan {number}, {stack:?}: {plan:?}");
        }
    }
}
