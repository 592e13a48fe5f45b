use super::*;
use crate::echo::Echo;
use chapter_01::{Log, local_address};
use chapter_03::SelectorKind;
use chapter_04::run_with;
use socket2::{Domain, Type};
use std::io::ErrorKind;
use std::net::TcpStream;

/// What has to be done when a socket is closed: here, to see that it is.
struct Guard {
    address: SocketAddr,
    kind: Type,
    /// Whether a connection of that address is left, which is in the way of another socket.
    is_connected: Rc<Cell<bool>>,
    dropped: Rc<Cell<usize>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let refused = TcpStream::connect(self.address).map(drop).map_err(|error| error.kind());
        assert_eq!(refused, Err(ErrorKind::ConnectionRefused));
        if !self.is_connected.get() {
            let again = Socket::new(Domain::IPV4, self.kind, None).unwrap();
            again.bind(&self.address.into()).unwrap();
        }
        self.dropped.set(self.dropped.get() + 1);
    }
}

/// A socket that is bound, with a guard. Nobody can listen at a socket of datagrams.
fn listener(kind: Type, is_connected: &Rc<Cell<bool>>, dropped: &Rc<Cell<usize>>) -> Listener {
    let socket = Socket::new(Domain::IPV4, kind, None).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = local_address(&socket).unwrap();
    let (is_connected, dropped) = (Rc::clone(is_connected), Rc::clone(dropped));
    let guard = Guard { address, kind, is_connected, dropped };
    Listener { socket, address: address.into(), guard: Some(Box::new(guard)) }
}

fn server(listeners: Vec<Listener>, mut at_client: impl FnMut() + 'static) -> Server {
    let factory = move || {
        at_client();
        Echo::new(Log::Quiet)
    };
    Server::new(listeners, 10, factory)
}

/// In each way in which a server ends, the guards of its sockets are dropped at once, and after the
/// sockets.
#[test]
fn a_guard_is_dropped_when_its_socket_is_closed() {
    for kind in [SelectorKind::Mio, SelectorKind::Polling] {
        let ends = async {
            let (connected, dropped) = (Rc::default(), Rc::<Cell<usize>>::default());
            let one = |kind| listener(kind, &connected, &dropped);
            let two = |second| vec![one(Type::STREAM), one(second)];

            drop(server(two(Type::STREAM), || ()));
            assert_eq!(dropped.take(), 2, "it was bound");

            let serving = server(two(Type::STREAM), || ());
            serving.start_serving().await.unwrap();
            serving.close();
            assert_eq!(dropped.take(), 2, "it has served");

            let failing = server(two(Type::DGRAM), || ());
            failing.start_serving().await.unwrap_err();
            assert_eq!(dropped.take(), 2, "it could not listen at the second");

            let slot = Rc::<RefCell<Option<Server>>>::default();
            let (owner, count) = (Rc::clone(&slot), Rc::clone(&dropped));
            let ending = server(two(Type::STREAM), move || {
                drop(owner.take());
                assert_eq!(count.take(), 2, "its factory has dropped it");
            });
            let address = ending.addresses()[0].ip().unwrap();
            ending.start_serving().await.unwrap();
            connected.set(true);
            let client = TcpStream::connect(address).unwrap();
            *slot.borrow_mut() = Some(ending);
            while slot.borrow().is_some() {
                yield_now().await;
            }
            drop(client);
        };
        run_with(kind, timeout(Duration::from_secs(60), ends)).unwrap().unwrap();
    }
}

/// What is wrong with an address is said with its name, of whichever family it is.
#[test]
fn an_address_where_nobody_can_listen_is_named() {
    let say = |address: Address| {
        cannot_listen(&address, io::Error::from(ErrorKind::AddrInUse)).to_string()
    };
    let ip: SocketAddr = "127.0.0.1:80".parse().unwrap();
    assert!(say(ip.into()).starts_with("127.0.0.1:80 is in use: "));
    assert!(say(Address::Path("/run/a".into())).starts_with("cannot listen at /run/a: "));
}
