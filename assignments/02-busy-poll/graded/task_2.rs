//! Task 2.2: `try_accept`, and what it does with what it has accepted.

use chapter_02::TryIo;
use grading::{Trial, Verdict};
use socket2::Socket;
use std::net::TcpListener;
use std::task::Poll;

pub(crate) fn an_accepted_client_is_asked_without_waiting(trial: &mut Trial) -> Verdict {
    const NOT_YET: &str = "No client at the door is no error, and no reason to wait for one.";
    const WHY: &str = "Linux does not hand the listener's mode down: a socket that was accepted waits \
                       in its calls until it is told not to.";
    const NAGLE: &str = "By Nagle's algorithm a small answer waits until the one before it is \
                         acknowledged, which a client may put off by 40 ms.";
    let listener = TcpListener::bind("127.0.0.1:0").expect("the kernel has a port left");
    listener.set_nonblocking(true).expect("a socket can be told not to wait");
    let address = listener.local_addr().expect("a bound socket has an address");
    let listener = Socket::from(listener);
    match listener.try_accept() {
        Ok(Poll::Pending) => trial.did("try_accept() gives \"not yet\""),
        Ok(Poll::Ready(_)) => return trial.fail("\"not yet\"", "a client", NOT_YET),
        Err(error) => return trial.fail("\"not yet\"", error, NOT_YET),
    }
    let client = trial.client(address)?;
    trial.did("try_accept()");
    let (socket, peer) = match listener.try_accept() {
        Ok(Poll::Ready(accepted)) => accepted,
        Ok(Poll::Pending) => return trial.fail("a socket for client-1", "\"not yet\"", WHY),
        Err(error) => return trial.fail("a socket for client-1", error, WHY),
    };
    let is_its_own = peer == client.address();
    trial.ensure(is_its_own, "the address of client-1", "another one", "A log tells who came.")?;
    let nodelay = socket.tcp_nodelay().expect("a connected socket has this option");
    trial.did("try_recv() on the socket of client-1, which is silent");
    let serving = trial.serve(move || socket.try_recv(&mut [0; 8]));
    match serving.end("try_recv() gives \"not yet\" at once", WHY)? {
        Ok(Poll::Pending) => {}
        Ok(Poll::Ready(count)) => return trial.fail("\"not yet\"", count, WHY),
        Err(error) => return trial.fail("\"not yet\"", error, WHY),
    }
    trial.expect("TCP_NODELAY of the client's socket", &true, &nodelay, NAGLE)
}
