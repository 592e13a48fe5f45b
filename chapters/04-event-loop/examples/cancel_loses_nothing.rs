//! Cancels a receive just when bytes have come, and receives them with the next one: `cargo run -p
//! chapter-04 --example cancel_loses_nothing`.

use anyhow::{Context, bail};
use chapter_04::{AsyncSocket, run, spawn, timeout, yield_now};
use socket2::{Domain, Socket, Type};
use std::io::Write;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

fn main() -> ExitCode {
    chapter_01::exit_code("cancel_loses_nothing", start())
}

fn start() -> anyhow::Result<()> {
    run(cancel_in_between())?
}

async fn cancel_in_between() -> anyhow::Result<()> {
    let (near, mut far) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
    near.set_nonblocking(true)?;
    let socket = Rc::new(AsyncSocket::new(near)?);

    let near = Rc::clone(&socket);
    let reader = spawn(async move { near.recv(1024).await.map(|bytes| bytes.to_vec()) });
    yield_now().await;
    println!("a reader waits");

    far.write_all(b"hello")?;
    // The pass in which the kernel is asked begins with this task; the reader comes after it.
    yield_now().await;
    println!("5 bytes have come, and the reader is to run next");

    reader.cancel();
    match reader.await {
        Ok(received) => bail!("the reader was faster: {received:?}"),
        Err(error) => println!("before it runs, it is cancelled: {error}"),
    }

    let bytes = timeout(Duration::ZERO, socket.recv(1024)).await.context("they are lost")??;
    println!("the next receive has them: b'{}'", bytes.escape_ascii());
    Ok(())
}
