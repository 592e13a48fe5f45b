//! Task 1.2: `listen`.

use chapter_01::{ListenError, listen, local_address};
use grading::{Story, Trial, Verdict};
use socket2::Socket;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A listener at `address`, and where it is.
fn listener(
    trial: &Trial,
    address: &str,
    backlog: i32,
) -> Result<(Socket, SocketAddr), Box<Story>> {
    let address: SocketAddr = address.parse().expect("the checks know what an address is");
    let outcome = listen(address, backlog);
    let said = match &outcome {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    trial.ensure(
        outcome.is_ok(),
        "listen() gives a socket",
        said,
        "socket, its options, bind, listen: each has its place.",
    )?;
    trial.did("listen() at 127.0.0.1");
    let socket = outcome.expect("it was just looked at");
    let address = local_address(&socket).expect("a bound socket has an address");
    Ok((socket, address))
}

pub(crate) fn a_client_that_connects_can_be_accepted(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Only `listen` makes a bound socket one that clients can connect to.";
    let (socket, address) = listener(trial, "127.0.0.1:0", 8)?;
    let client = trial.client(address)?;
    trial.did("accept()");
    match socket.accept() {
        Ok((_, peer)) => trial.ensure(
            peer.as_socket() == Some(client.address()),
            "the address of client-1",
            "another one",
            WHY,
        ),
        Err(error) => trial.fail("a socket for client-1", error, WHY),
    }
}

pub(crate) fn a_port_can_be_had_again_when_its_server_has_gone(trial: &mut Trial) -> Verdict {
    const WHY: &str = "The side that closes first keeps the connection in TIME_WAIT for a minute. \
                       SO_REUSEADDR lets bind pass all the same, if it is set before.";
    let (socket, address) = listener(trial, "127.0.0.1:0", 8)?;
    let mut client = trial.client(address)?;
    let accepted = socket.accept();
    trial.did("the server accepts client-1, closes its connection, and ends");
    drop(accepted);
    client.receive_end(WHY)?;
    client.close();
    drop(socket);
    match listen(address, 8) {
        Ok(_) => Ok(()),
        Err(ListenError::InUse(_)) => {
            trial.fail("listen() at the same port again", "the address is in use", WHY)
        }
        Err(error) => trial.fail("listen() at the same port again", error, WHY),
    }
}

pub(crate) fn two_servers_do_not_share_a_port(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Two servers at one port would each get some of the clients. SO_REUSEADDR does \
                       not allow it, SO_REUSEPORT does.";
    let (_socket, address) = listener(trial, "127.0.0.1:0", 8)?;
    trial.did("listen() at the same port, while the first socket lives");
    match listen(address, 8) {
        Err(ListenError::InUse(named)) if named == address => Ok(()),
        Err(error) => trial.fail("ListenError::InUse with the address", error, WHY),
        Ok(_) => trial.fail("ListenError::InUse with the address", "a second listener", WHY),
    }
}

pub(crate) fn the_queue_is_as_long_as_was_asked_for(trial: &mut Trial) -> Verdict {
    const WHY: &str = "The backlog bounds how many finished connections wait to be accepted; it is \
                       the caller's to choose.";
    let backlog = trial.random().between(1, 4);
    let (_socket, address) = listener(trial, "127.0.0.1:0", backlog as i32)?;
    trial.did(format!("the backlog is {backlog}, and nobody accepts"));
    // Linux keeps one more than it is told. What finds no room is not refused: it gets no answer.
    let room = backlog + 1;
    let mut connected = Vec::new();
    for _ in 0..room + 2 {
        connected.extend(TcpStream::connect_timeout(&address, Duration::from_millis(100)));
    }
    trial.expect("clients that are connected", &room, &connected.len(), WHY)
}
