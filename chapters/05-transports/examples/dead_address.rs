//! Connects to a host of which the first address does not answer: one address after the other, and
//! in a race: `cargo run -p chapter-05 --example dead_address`.

use anyhow::{bail, ensure};
use chapter_01::{exit_code, listen, local_address};
use chapter_04::{run, timeout};
use chapter_05::{
    BaseProtocol, ConnectOptions, Protocol, RECOMMENDED_DELAY, RaceOptions, create_connection,
};
use socket2::Socket;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    exit_code("dead_address", start())
}

fn start() -> anyhow::Result<()> {
    let silent = Silent::new()?;
    let listener = listen("127.0.0.1:0".parse()?, 1)?;
    run(connect(vec![silent.address, local_address(&listener)?]))?
}

async fn connect(addresses: Vec<SocketAddr>) -> anyhow::Result<()> {
    println!("one after the other");
    let in_turn = ConnectOptions::addresses(addresses.clone());
    match timeout(Duration::from_secs(1), create_connection(|| Nothing, in_turn)).await {
        Ok(_) => bail!("the first address has answered"),
        Err(_) => println!("  not connected after a second"),
    }
    println!("in a race");
    let race = RaceOptions { delay: Some(RECOMMENDED_DELAY), ..Default::default() };
    let racing = ConnectOptions::addresses(addresses.clone()).race(race);
    let (transport, _) = create_connection(|| Nothing, racing).await?;
    ensure!(transport.peer_address().ip() == addresses.last().copied(), "the first has answered");
    println!("  connected to the second address");
    transport.close();
    Ok(())
}

struct Nothing;

impl BaseProtocol for Nothing {}
impl Protocol for Nothing {}

/// An address that says nothing: a listener that accepts nobody and whose queue is full. The kernel
/// drops each further request.
struct Silent {
    address: SocketAddr,
    _listener: Socket,
    _clients: Vec<TcpStream>,
}

impl Silent {
    fn new() -> anyhow::Result<Silent> {
        let listener = listen("127.0.0.1:0".parse()?, 0)?;
        let address = local_address(&listener)?;
        let mut clients = Vec::new();
        loop {
            match TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
                Ok(client) => clients.push(client),
                Err(error) if error.kind() == ErrorKind::TimedOut => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Silent { address, _listener: listener, _clients: clients })
    }
}
