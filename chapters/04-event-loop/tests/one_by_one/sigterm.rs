//! A server that is ended by SIGTERM, in a process of its own.

use crate::alone::alone;
use crate::child::{self, Child, say};
use crate::served::{connect, listener};
use chapter_03::SelectorKind;
use chapter_04::signal::SIGTERM;
use chapter_04::{AsyncSocket, run_with, running_loop, serve_until};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const BOTH_KINDS: [SelectorKind; 2] = [SelectorKind::Mio, SelectorKind::Polling];
/// Longer than any test may take.
const LIMIT: Duration = Duration::from_secs(60);

/// SG-06: the whole pattern: SIGTERM, no more clients, the answer that is under way, exit code 0.
#[test]
fn sigterm_ends_a_server_in_good_order() {
    let _alone = alone();
    for kind in BOTH_KINDS {
        let child = Child::play(module_path!(), &format!("{kind} waits"));
        let address = child.line().parse().unwrap();
        let mut client = connect(address);
        client.write_all(b"?").unwrap();
        assert_eq!(child.line(), "request");
        child.signal(SIGTERM);
        assert_eq!(child.line(), "stopped");
        client.write_all(b"?").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "!");
        let (said, status) = child.end();
        assert_eq!((said, status.code()), (vec!["ended".to_owned()], Some(0)));
        TcpStream::connect(address).unwrap_err();
    }
}

/// RN-05: who never says anything is not waited for.
#[test]
fn sigterm_ends_a_server_with_idle_clients() {
    let _alone = alone();
    for kind in BOTH_KINDS {
        let child = Child::play(module_path!(), &format!("{kind} does-not-wait"));
        let address = child.line().parse().unwrap();
        let mut idle = connect(address);
        idle.write_all(b"?").unwrap();
        assert_eq!(child.line(), "request");
        child.signal(SIGTERM);
        let (said, status) = child.end();
        assert_eq!((said.join(", ").as_str(), status.code()), ("stopped, ended", Some(0)));
        assert_eq!(idle.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
#[ignore = "other tests start it, as a process of its own"]
fn scene() {
    let Some(scene) = child::scene() else { return };
    let (kind, grace) = scene.split_once(' ').unwrap();
    let grace = if grace == "waits" { LIMIT } else { Duration::ZERO };
    let (socket, address) = listener();
    run_with(kind.parse().unwrap(), async move {
        let terminated = running_loop().unwrap().signal_arrival(SIGTERM).unwrap();
        let stop = async move {
            terminated.await.unwrap();
            say("stopped");
        };
        let handle = |client: AsyncSocket, _| async move {
            client.recv(1).await.unwrap();
            say("request");
            // The second half of the request comes after the signal.
            client.recv(1).await.unwrap();
            client.send_all(b"!").await.unwrap();
        };
        let listener = AsyncSocket::new(socket).unwrap();
        say(&address.to_string());
        serve_until(listener, handle, stop, grace).await.unwrap();
    })
    .unwrap();
    say("ended");
}
