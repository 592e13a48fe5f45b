//! Protocols above a cipher and above none, over real sockets: the peer notices nothing but other
//! bytes.

use crate::net::{self, both, register};
use crate::stack::{STACKS, Stack, Wire};
use chapter_01::Log;
use chapter_04::{AsyncSocket, FutureCell};
use chapter_05::{
    AfterEof, AnyProtocol, BaseProtocol, Buffered, BufferedProtocol, CallbackResult,
    ConnectionError, Echo, Protocol, ProtocolKind, ProtocolRef, Transport, WaterMarks,
    connect_accepted_socket,
};
use socket2::Socket;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::rc::Rc;

const KERNEL_BUFFER: usize = 64 * 1024;

/// Connects a protocol over TCP, and gives the peer's end.
async fn connected<P: ProtocolKind>(stack: Stack, protocol: P) -> (AsyncSocket, ProtocolRef<P>) {
    let (peer, shared, _) = connected_and_held(stack, protocol).await;
    (peer, shared)
}

/// And the protocol of the transport, which somebody may hold.
async fn connected_and_held<P: ProtocolKind>(
    stack: Stack,
    protocol: P,
) -> (AsyncSocket, ProtocolRef<P>, AnyProtocol) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = Socket::from(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
    let socket = Socket::from(listener.accept().unwrap().0);
    // Else the kernel grows its own, and keeps a whole flood.
    peer.set_recv_buffer_size(KERNEL_BUFFER).unwrap();
    socket.set_send_buffer_size(KERNEL_BUFFER).unwrap();
    let (protocol, shared) = AnyProtocol::new(protocol);
    let (transport, _) = connect_accepted_socket(|| stack.below(protocol), socket).await.unwrap();
    (register(peer), shared, transport.protocol().unwrap())
}

/// Receives and deciphers up to that many bytes, fewer if the stream ends before.
async fn receive(peer: &AsyncSocket, wire: &mut Wire, count: usize) -> Vec<u8> {
    let mut received = Vec::new();
    while received.len() < count {
        let bytes = peer.recv(count - received.len()).await.unwrap();
        if bytes.is_empty() {
            break;
        }
        received.extend(wire.apply(&bytes));
    }
    received
}

/// Ends a connection from the peer's end, and waits for the other one.
async fn end(peer: AsyncSocket) {
    peer.as_socket().shutdown(Shutdown::Write).unwrap();
    assert!(peer.recv(1).await.unwrap().is_empty());
}

/// Bytes of which none can be taken for its neighbour.
fn pattern(length: usize) -> Vec<u8> {
    let mut bytes = (0..251).collect::<Vec<u8>>().repeat(length / 251 + 1);
    bytes.truncate(length);
    bytes
}

/// Echoes what is received in place.
struct EchoInPlace {
    buffer: Vec<u8>,
}

impl BaseProtocol for EchoInPlace {}

impl BufferedProtocol for EchoInPlace {
    fn get_buffer(&mut self, _: usize) -> &mut [u8] {
        &mut self.buffer
    }

    fn buffer_updated(&mut self, transport: &Rc<dyn Transport>, count: usize) -> CallbackResult {
        Ok(transport.write(&self.buffer[..count])?)
    }
}

/// PR-04 and PR-06: an echo of either kind.
#[test]
fn an_echo_above_a_cipher_is_an_echo() {
    both(async |_| {
        for stack in STACKS {
            let (peer, _) = connected(stack, Echo::new(Log::Quiet)).await;
            echoes(peer, stack).await;
            let protocol = Buffered(EchoInPlace { buffer: vec![0; 1000] });
            let (peer, _) = connected(stack, protocol).await;
            echoes(peer, stack).await;
        }
    });
}

async fn echoes(peer: AsyncSocket, stack: Stack) {
    let (mut outwards, mut inwards) = (stack.wire(), stack.wire());
    for length in [1, 5000, 100_000] {
        let message = pattern(length);
        peer.send_all(&outwards.apply(&message)).await.unwrap();
        assert_eq!(receive(&peer, &mut inwards, length).await, message, "{stack:?}");
    }
    end(peer).await;
}

/// Answers when it has heard everything.
#[derive(Default)]
struct Count(usize);

impl BaseProtocol for Count {
    fn eof_received(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult<AfterEof> {
        transport.write(format!("{} bytes", self.0).as_bytes())?;
        transport.write_eof()?;
        // It closes when the other half is closed, too, as it is now; the answer still goes out.
        transport.close();
        Ok(AfterEof::KeepOpen)
    }
}

impl Protocol for Count {
    fn data_received(&mut self, _: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        self.0 += data.len();
        Ok(())
    }
}

/// TR-08 and TR-25: a cipher has no end of its own, so each half of a connection ends alone.
#[test]
fn a_half_closed_connection_is_answered_through_a_cipher() {
    both(async |_| {
        for stack in STACKS {
            let (peer, _) = connected(stack, Count::default()).await;
            let (mut outwards, mut inwards) = (stack.wire(), stack.wire());
            peer.send_all(&outwards.apply(&pattern(70_000))).await.unwrap();
            peer.as_socket().shutdown(Shutdown::Write).unwrap();
            assert_eq!(receive(&peer, &mut inwards, 100).await, b"70000 bytes", "{stack:?}");
        }
    });
}

const FLOOD: usize = 8 * 1024 * 1024;
const PIECE: usize = 10_000;

/// Sends a pattern as long as it may.
struct Flooder {
    rest: Vec<u8>,
    is_paused: bool,
    /// How many bytes were kept when it was told to pause, and when to go on, in turn.
    told: Vec<usize>,
    paused: FutureCell<()>,
}

impl Flooder {
    fn new() -> Flooder {
        let mut rest = pattern(FLOOD);
        rest.reverse();
        Flooder { rest, is_paused: false, told: Vec::new(), paused: FutureCell::new() }
    }

    fn flood(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        // Inside its own callbacks it is told to pause when they return, so it looks for itself.
        let high = transport.write_buffer_limits().high();
        while !self.rest.is_empty() && transport.write_buffer_size() <= high {
            let mut piece = self.rest.split_off(self.rest.len().saturating_sub(PIECE));
            piece.reverse();
            transport.write(&piece)?;
        }
        if self.rest.is_empty() {
            transport.close();
        }
        Ok(())
    }
}

impl BaseProtocol for Flooder {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        self.flood(transport)
    }

    fn pause_writing(&mut self, transport: &Rc<dyn Transport>) {
        assert!(!self.is_paused);
        self.is_paused = true;
        self.told.push(transport.write_buffer_size());
        let _ = self.paused.set_result(());
    }

    fn resume_writing(&mut self, transport: &Rc<dyn Transport>) {
        assert!(self.is_paused);
        self.is_paused = false;
        self.told.push(transport.write_buffer_size());
        self.flood(transport).unwrap();
    }

    fn connection_lost(&mut self, _: &Rc<dyn Transport>, error: Option<ConnectionError>) {
        assert!(error.is_none(), "{error:?}");
    }
}

impl Protocol for Flooder {}

/// FC-03, FC-05, FC-11 and FC-13: a flood to a reader that stalls and then reads everything.
#[test]
fn a_flood_through_a_cipher_stops_at_the_water_marks() {
    both(async |_| {
        let marks = WaterMarks::default();
        for stack in STACKS {
            let flooder = Flooder::new();
            let paused = flooder.paused.clone();
            let (peer, flooder) = connected(stack, flooder).await;
            paused.await.unwrap();
            let received = receive(&peer, &mut stack.wire(), FLOOD + 1).await;
            assert!(received == pattern(FLOOD), "{stack:?}: {} bytes", received.len());
            flooder.with(|flooder| check_flow(&flooder.told, marks)).unwrap();
        }
    });
}

/// It was told to pause above the high mark by a part of a piece, and to go on at the low mark.
fn check_flow(told: &[usize], marks: WaterMarks) {
    assert!(told.len() > 2, "it was told only {told:?}");
    for (number, kept) in told.iter().enumerate() {
        let is_pause = number % 2 == 0;
        let range =
            if is_pause { marks.high() + 1..=marks.high() + PIECE } else { 0..=marks.low() };
        assert!(range.contains(kept), "{number}: {kept} bytes were kept, of {told:?}");
    }
}

/// Talks in the clear, up to a line that says that a cipher follows.
struct InTheClear {
    line: Vec<u8>,
    stack: Stack,
    above: Option<AnyProtocol>,
}

impl BaseProtocol for InTheClear {}

impl Protocol for InTheClear {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        self.line.extend(data);
        let Some(end) = self.line.iter().position(|byte| *byte == b'\n') else { return Ok(()) };
        let rest = self.line.split_off(end + 1);
        let above = self.above.take().ok_or("it is not called again")?;
        let below = self.stack.below(above);
        transport.set_protocol(below.clone());
        // A protocol in the place of another one is not told of the connection by the transport.
        below.connection_made(transport)?;
        below.data_received(transport, &rest)
    }
}

/// TR-38 and D-32: what came behind the line, in the same receive, is for the next protocol. asyncio
/// loses it.
#[test]
fn d_32_a_connection_is_upgraded_without_losing_what_has_come() {
    both(async |_| {
        for stack in STACKS {
            let (above, _) = AnyProtocol::new(Echo::new(Log::Quiet));
            let protocol = InTheClear { line: Vec::new(), stack, above: Some(above) };
            let (peer, _) = connected(Stack::Nothing, protocol).await;
            let mut outwards = stack.wire();
            let first = [b"upgrade\n".to_vec(), outwards.apply(b"first")].concat();
            peer.send_all(&first).await.unwrap();
            peer.send_all(&outwards.apply(b", second")).await.unwrap();
            let received = receive(&peer, &mut stack.wire(), 13).await;
            assert_eq!(received, b"first, second", "{stack:?}");
            end(peer).await;
        }
    });
}

/// Keeps its transport.
#[derive(Default)]
struct Keeper(Option<Rc<dyn Transport>>);

impl BaseProtocol for Keeper {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        self.0 = Some(Rc::clone(transport));
        Ok(())
    }
}

impl Protocol for Keeper {}

/// TR-31, TR-32 and TR-39: what a layer does not change, it leaves to the transport below.
#[test]
fn a_layer_answers_what_the_transport_below_answers() {
    both(async |_| {
        for stack in STACKS {
            let (peer, keeper, _below) = connected_and_held(stack, Keeper::default()).await;
            let transport = keeper.with(|keeper| keeper.0.take()).unwrap().unwrap();
            let address = |end| chapter_05::Address::Ip(end);
            let peer_end = peer.as_socket().local_addr().unwrap().as_socket().unwrap();
            let near_end = peer.as_socket().peer_addr().unwrap().as_socket().unwrap();
            assert_eq!(transport.peer_address(), &address(peer_end));
            assert_eq!(transport.local_address(), &address(near_end));
            let mut nodelay = None;
            let look = &mut |descriptor: std::os::fd::BorrowedFd<'_>| {
                nodelay = Some(socket2::SockRef::from(&descriptor).tcp_nodelay().unwrap());
            };
            assert!(transport.with_descriptor(look));
            assert_eq!(nodelay, Some(true));
            assert!(transport.can_write_eof() && transport.is_reading());
            assert!(matches!(transport.protocol(), Some(AnyProtocol::Chunks(_))));

            transport.set_write_buffer_limits(Some(7), None).unwrap();
            assert_eq!(transport.write_buffer_limits().high(), 7);
            assert!(transport.set_write_buffer_limits(Some(1), Some(2)).is_err());
            transport.pause_reading();
            assert!(!transport.is_reading());
            transport.resume_reading();
            assert!(transport.is_reading() && !transport.is_closing());
            transport.writelines(&[b"", b"pie", b"ces"]).unwrap();
            assert_eq!(receive(&peer, &mut stack.wire(), 6).await, b"pieces");

            transport.close_within(net::LIMIT);
            assert!(transport.is_closing());
            assert!(peer.recv(1).await.unwrap().is_empty());
            assert!(transport.protocol().is_none(), "{stack:?}");
            assert!(!transport.with_descriptor(&mut |_| ()));
            assert_eq!(transport.write(b"late"), Err(chapter_05::WriteError::Closed));
            transport.set_protocol(keeper.erased());
            assert!(transport.protocol().is_none(), "{stack:?}");
        }
    });
}
