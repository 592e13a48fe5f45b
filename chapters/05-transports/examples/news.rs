//! Tells the same news to two readers, of whom one does not read: first by awaiting each send, then
//! through transports: `cargo run -p chapter-05 --example news`.

use anyhow::{bail, ensure};
use chapter_04::{AsyncSocket, run, spawn, timeout};
use chapter_05::{BaseProtocol, Protocol, Transport, connect_accepted_socket};
use socket2::{Domain, Socket, Type};
use std::io;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

const NEWS: usize = 16 * 1024 * 1024;

fn main() -> ExitCode {
    chapter_01::exit_code("news", start())
}

fn start() -> anyhow::Result<()> {
    let news = vec![b'!'; NEWS];
    run(async move {
        println!("by awaiting");
        by_awaiting(&news).await?;
        println!("through transports");
        through_transports(&news).await
    })?
}

async fn by_awaiting(news: &[u8]) -> anyhow::Result<()> {
    let (slow, _slow_reader) = pair()?;
    let (quick, quick_reader) = pair()?;
    let news = news.to_vec();
    let telling = spawn(async move { tell(&[slow, quick], &news).await });
    match timeout(Duration::from_secs(1), quick_reader.recv(1)).await {
        Ok(_) => bail!("the kernel has kept all for the slow one"),
        Err(_) => println!("  quick has nothing after a second"),
    }
    telling.cancel();
    Ok(())
}

async fn tell(readers: &[AsyncSocket], news: &[u8]) -> io::Result<()> {
    for reader in readers {
        reader.send_all(news).await?;
    }
    Ok(())
}

async fn through_transports(news: &[u8]) -> anyhow::Result<()> {
    let (slow, _slow_reader) = connected("slow").await?;
    let (quick, quick_reader) = connected("quick").await?;
    for reader in [&slow, &quick] {
        reader.write(news)?;
    }
    println!("  both writes have returned");
    let mut received = 0;
    while received < NEWS {
        received += quick_reader.recv(NEWS).await?.len();
    }
    println!("  quick has all {received} bytes");
    ensure!(slow.write_buffer_size() > NEWS / 2, "the kernel has kept most for the slow one");
    println!("  slow has not read, and more than half of it is kept");
    [slow, quick].iter().for_each(|transport| transport.abort());
    Ok(())
}

/// Says what its transport tells it.
struct Reader(&'static str);

impl BaseProtocol for Reader {
    fn pause_writing(&mut self, _: &Rc<dyn Transport>) {
        println!("  {}: pause_writing", self.0);
    }

    fn resume_writing(&mut self, _: &Rc<dyn Transport>) {
        println!("  {}: resume_writing", self.0);
    }
}

impl Protocol for Reader {}

/// A transport, and the other end.
async fn connected(name: &'static str) -> io::Result<(Rc<dyn Transport>, AsyncSocket)> {
    let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
    let (transport, _) = connect_accepted_socket(|| Reader(name), near).await?;
    far.set_nonblocking(true)?;
    Ok((transport, AsyncSocket::new(far)?))
}

fn pair() -> io::Result<(AsyncSocket, AsyncSocket)> {
    let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
    near.set_nonblocking(true)?;
    far.set_nonblocking(true)?;
    Ok((AsyncSocket::new(near)?, AsyncSocket::new(far)?))
}
