//! Descriptor numbers: which one the kernel gives next.

use crate::alone::alone;
use crate::net::limit::over_kernel;
use chapter_03::SelectorKind;
use chapter_04::{AsyncSocket, EventLoop};
use socket2::{Domain, Socket, Type};
use std::io::{ErrorKind, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;

const BOTH_KINDS: [SelectorKind; 2] = [SelectorKind::Mio, SelectorKind::Polling];

fn pair() -> (Socket, Socket) {
    let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
    near.set_nonblocking(true).unwrap();
    far.set_nonblocking(true).unwrap();
    (near, far)
}

/// Opens sockets until one has this number, and runs the loop until its reader is called.
fn reuse(event_loop: &mut EventLoop, number: RawFd) {
    let (near, far) = pair();
    assert_eq!(near.as_raw_fd(), number, "the lowest free number is the one that was closed");
    let near = Rc::new(near);
    let (handle, called) = (event_loop.clone(), Rc::new(()));
    let call = Rc::downgrade(&called);
    let called = move || {
        let _called = &called;
        handle.stop();
    };
    event_loop.add_reader(near.clone(), called).unwrap();
    far.send(b"x").unwrap();
    event_loop.run_forever().unwrap();
    assert!(event_loop.remove_reader(&near));
    assert_eq!(call.strong_count(), 0);
}

/// D-25: the program lets go of a source without a word to the loop. Its descriptor stays open, so
/// its number goes to nobody else. Once its reader is removed it does, and the next source of that
/// number is reported.
#[test]
fn d_25_a_descriptor_is_not_reused_while_it_is_watched() {
    let _alone = alone();
    for kind in BOTH_KINDS {
        let mut event_loop = over_kernel(kind);
        let (near, far) = pair();
        let (number, near) = (near.as_raw_fd(), Rc::new(near));
        let known = Rc::downgrade(&near);
        event_loop.add_reader(near, || panic!("nothing was sent to it")).unwrap();
        assert_ne!(pair().0.as_raw_fd(), number, "{kind}");
        assert_eq!((&far).read(&mut [0]).map_err(|e| e.kind()), Err(ErrorKind::WouldBlock));

        let near = known.upgrade().expect("the loop owns it");
        assert!(event_loop.remove_reader(&near));
        drop(near);
        assert_eq!((&far).read(&mut [0]).unwrap(), 0, "{kind}: it is closed at once");
        drop(far);
        reuse(&mut event_loop, number);
    }
}

/// LP-21: what asyncio refuses at run time, a reader on the socket of a live transport, cannot be
/// written here: the socket's owner is the only one who has it. When that owner closes it, its
/// number can be watched, in the same turn.
#[test]
fn the_number_of_a_closed_socket_can_be_watched() {
    let _alone = alone();
    for kind in BOTH_KINDS {
        let mut event_loop = over_kernel(kind);
        let number = event_loop.run_until_complete(async {
            let (near, _far) = pair();
            let number = near.as_raw_fd();
            drop(AsyncSocket::new(near).unwrap());
            number
        });
        reuse(&mut event_loop, number.unwrap());
    }
}
