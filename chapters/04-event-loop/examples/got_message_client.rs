//! Sends what is typed, line by line, and prints the answers: `cargo run -p chapter-04 --example
//! got_message_client`, while `got_message` runs in another terminal.

use anyhow::bail;
use chapter_01::{LINE_MAX, LineBuffer, Options, exit_code, resolve};
use chapter_04::{AsyncSocket, Either, EventLoop, race, running_loop};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

const USAGE: &str = "\
Sends each line of its standard input, up to the line quit.

Usage: got_message_client [--connect HOST:PORT]";

fn main() -> ExitCode {
    exit_code("got_message_client", start())
}

fn start() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &["connect"])?;
    let server = resolve(options.value("connect").unwrap_or("127.0.0.1:8000"))?[0];
    // Not `run`, which gives a thread that reads the keyboard time to end: it may wait for long.
    EventLoop::new()?.run_until_complete(request(server))?
}

async fn request(server: SocketAddr) -> anyhow::Result<()> {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    let client = AsyncSocket::new(socket)?;
    client.connect(server).await?;
    println!("connected to {server} from {}", chapter_01::local_address(client.as_socket())?);

    let mut answers = LineBuffer::new(LINE_MAX);
    client.send_all(b"ack from client connect success\r\n").await?;
    println!("{}", next_line(&client, &mut answers).await?);
    while let Some(message) = typed(&client).await? {
        client.send_all(format!("{message}\r\n").as_bytes()).await?;
        if message == "quit" {
            break;
        }
        println!("got message from server: {}", next_line(&client, &mut answers).await?);
    }
    Ok(())
}

/// The next line of standard input, or `None` at its end.
///
/// To read it blocks, so a thread does. The loop goes on meanwhile, and notices if the server
/// leaves.
async fn typed(client: &AsyncSocket) -> anyhow::Result<Option<String>> {
    let typing = running_loop()?.run_in_executor(|| io::stdin().lines().next().transpose())?;
    match race(typing, client.recv(1)).await {
        Either::First(line) => Ok(line??),
        Either::Second(received) => match &*received? {
            [] => bail!("the server has left"),
            _ => bail!("the server answers what nobody has asked"),
        },
    }
}

async fn next_line(client: &AsyncSocket, answers: &mut LineBuffer) -> anyhow::Result<String> {
    loop {
        if let Some(line) = answers.next_line()? {
            return Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned());
        }
        let data = client.recv(1024).await?;
        if data.is_empty() {
            bail!("the server has left");
        }
        answers.push(&data);
    }
}
