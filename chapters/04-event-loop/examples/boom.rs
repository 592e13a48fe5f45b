//! Echoes lines, and fails at the line `boom`: `cargo run -p chapter-04 --example boom`.
//!
//! Nobody holds the tasks, so the loop reports the failure. With `--track yes` they are kept, and
//! awaited when Ctrl-C has come: there the failure comes out.

use anyhow::bail;
use chapter_01::{LINE_MAX, LineBuffer, Options, exit_code};
use chapter_04::{
    AsyncSocket, Either, JoinError, JoinHandle, race, run, running_loop, signal, spawn,
};
use std::process::ExitCode;

const USAGE: &str = "\
Echoes lines and fails at the line boom.

Usage: boom [--listen HOST:PORT] [--track yes|no]";

fn main() -> ExitCode {
    exit_code("boom", start())
}

fn start() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &["track"])?;
    let track = match options.value("track") {
        Some("yes") => true,
        Some("no") | None => false,
        Some(other) => bail!("--track takes yes or no, not {other:?}"),
    };
    let listener = options.open_listener()?;
    listener.set_nonblocking(true)?;
    run(async move {
        let listener = AsyncSocket::new(listener)?;
        if track { listen_and_keep(listener).await } else { listen_and_forget(listener).await }
    })?
}

async fn listen_and_forget(listener: AsyncSocket) -> anyhow::Result<()> {
    loop {
        let (connection, address) = listener.accept().await?;
        println!("Got a connection from {address}");
        spawn(echo(connection)).detach();
    }
}

async fn listen_and_keep(listener: AsyncSocket) -> anyhow::Result<()> {
    let interrupted = running_loop()?.signal_arrival(signal::SIGINT)?;
    // Who has gone is kept, too: it is for a short run.
    let mut tasks = Vec::new();
    while let Either::Second(accepted) = race(&interrupted, listener.accept()).await {
        let (connection, address) = accepted?;
        println!("Got a connection from {address}");
        tasks.push(spawn(echo(connection)));
    }
    for task in tasks {
        end(task).await?;
    }
    Ok(())
}

/// Ends a task, and fails if it has failed.
async fn end(task: JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    task.cancel();
    match task.await {
        Err(JoinError::Cancelled) => Ok(()),
        outcome => outcome?,
    }
}

async fn echo(connection: AsyncSocket) -> anyhow::Result<()> {
    let mut lines = LineBuffer::new(LINE_MAX);
    loop {
        let data = connection.recv(1024).await?;
        if data.is_empty() {
            return Ok(());
        }
        lines.push(&data);
        while let Some(line) = lines.next_line()? {
            if line == b"boom\r\n" {
                bail!("Unexpected network error");
            }
            connection.send_all(line).await?;
        }
    }
}
