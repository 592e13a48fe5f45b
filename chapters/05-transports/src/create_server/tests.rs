use super::*;
use std::rc::Rc;

/// What stands for a socket that is bound. The number of owners of `bound` tells how many there are.
fn fake(address: SocketAddr, bound: &Rc<()>) -> Listener {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    Listener { socket, address: address.into(), guard: Some(Box::new(Rc::clone(bound))) }
}

fn addresses() -> [SocketAddr; 2] {
    ["0.0.0.0:0", "[::]:0"].map(|address| address.parse().unwrap())
}

/// D-39: the second family gets the port that the kernel has chosen for the first; where it is
/// taken, both try again with another one.
#[test]
fn d_39_a_port_that_one_family_lacks_is_given_back() {
    let (mut asked, mut next, bound) = (Vec::new(), 4000, Rc::new(()));
    let listeners = bind_to_one_port(&addresses(), |mut address| {
        asked.push(address.to_string());
        match address.port() {
            0 => {
                assert_eq!(Rc::strong_count(&bound), 1, "what was had before is given back");
                next += 1;
                address.set_port(next);
            }
            4001 | 4002 => return Err(ListenError::InUse(address)),
            _ => {}
        }
        Ok(fake(address, &bound))
    });
    let listeners = listeners.unwrap();
    let bound: Vec<_> = listeners.iter().map(|listener| listener.address.to_string()).collect();
    assert_eq!(bound, ["0.0.0.0:4003", "[::]:4003"]);
    let expected = ["0.0.0.0:0", "[::]:4001", "0.0.0.0:0", "[::]:4002", "0.0.0.0:0", "[::]:4003"];
    assert_eq!(asked, expected);
}

/// D-39: it does not try for ever, nor again what fails for another reason.
#[test]
fn d_39_the_attempts_are_counted() {
    type Failure = fn(SocketAddr) -> ListenError;
    let cases: [(Failure, usize); 2] =
        [(ListenError::InUse, ATTEMPTS_MAX), (ListenError::Privileged, 1)];
    for (failure, expected) in cases {
        let (mut attempts, bound) = (0, Rc::new(()));
        let refused = bind_to_one_port(&addresses(), |mut address| {
            if address.port() > 0 {
                return Err(failure(address));
            }
            attempts += 1;
            address.set_port(4000);
            Ok(fake(address, &bound))
        });
        let error = refused.map(drop).unwrap_err();
        assert_eq!(error.to_string(), failure("[::]:4000".parse().unwrap()).to_string());
        assert_eq!((attempts, Rc::strong_count(&bound)), (expected, 1));
    }
    let mut attempts = 0;
    let given = bind_to_one_port(&["[::]:80".parse().unwrap()], |address| {
        attempts += 1;
        Err(ListenError::InUse(address))
    });
    assert!(given.is_err());
    assert_eq!(attempts, 1, "there is no other port to be tried");
}

/// CS-07: an address of a family that the kernel does not know is left out, too. One that is refused
/// for another reason ends the attempt, and what was had is given back. asyncio leaves out whatever
/// no socket can be made for, and so also what there is no descriptor for.
#[test]
fn only_what_is_not_there_is_left_out() {
    let refusal = |address: SocketAddr, errno: Errno| ListenError::new(address, errno.into());
    for (errno, expected) in [
        (Errno::ADDRNOTAVAIL, Some(1)),
        (Errno::AFNOSUPPORT, Some(1)),
        (Errno::ADDRINUSE, None),
        (Errno::ACCESS, None),
        (Errno::MFILE, None),
    ] {
        let bound = Rc::new(());
        let outcome = bind_each(&addresses(), |address| {
            if address.is_ipv4() { Ok(fake(address, &bound)) } else { Err(refusal(address, errno)) }
        });
        let count = outcome.as_ref().ok().map(Vec::len);
        assert_eq!(count, expected, "{errno}");
        if let Err(error) = outcome {
            assert!(error.to_string().contains("[::]:0"), "{error}");
            assert_eq!(error.kind(), io::Error::from(errno).kind());
            assert_eq!(Rc::strong_count(&bound), 1);
        }
    }
}

/// CS-07: where none could be had, the error says so of each.
#[test]
fn an_error_names_every_address_that_is_not_there() {
    let refused = bind_each(&addresses(), |address| Err(ListenError::NotLocal(address)));
    let error = refused.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    let text = error.to_string();
    assert!(text.contains("0.0.0.0:0 is no ") && text.contains("; [::]:0 is no "), "{text}");
    let nothing = bind_each(&[], |_| unreachable!("there is no address")).map(drop).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::InvalidInput);
}

/// CS-04 and CS-05: the options, as the kernel has them.
#[test]
fn each_option_reaches_the_socket() {
    let four: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let plain = ServerOptions::from(four).binding;
    let options = |how| {
        let socket = bind(four, how).unwrap().socket;
        let flags = [socket.reuse_address(), socket.reuse_port(), socket.keepalive()];
        flags.map(Result::unwrap)
    };
    assert_eq!(options(plain), [true, false, false]);
    assert_eq!(options(Binding { reuse_address: false, ..plain }), [false, false, false]);
    assert_eq!(options(Binding { reuse_port: true, ..plain }), [true, true, false]);
    assert_eq!(options(Binding { keep_alive: true, ..plain }), [true, false, true]);
    let listener = bind(four, plain).unwrap();
    assert!(listener.socket.nonblocking().unwrap());
    // A machine without IPv6 has nothing to be confused.
    if let Ok(six) = bind("[::1]:0".parse().unwrap(), plain) {
        assert!(six.socket.only_v6().unwrap());
    }
}
