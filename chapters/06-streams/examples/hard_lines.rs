//! Reads a line that is slow to come, and one that is too long:
//! `cargo run -p chapter-06 --example hard_lines`.

use anyhow::{Result, bail};
use chapter_01::Excerpt;
use chapter_04::{run, timeout};
use chapter_05::ConnectOptions;
use chapter_06::{StreamLimits, StreamReader, open_connection};
use socket2::{Domain, Socket, Type};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    chapter_01::exit_code("hard_lines", start())
}

fn start() -> Result<()> {
    run(async {
        let (near, mut far) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
        let limits = StreamLimits::default().with_line_max(8)?;
        let (mut reader, _writer) = open_connection(ConnectOptions::socket(near), limits).await?;
        slow(&mut reader, &mut far).await?;
        too_long(&mut reader, &mut far).await
    })?
}

async fn slow(reader: &mut StreamReader, peer: &mut Socket) -> Result<()> {
    for piece in ["he", "ll", "o\n"] {
        match timeout(Duration::from_millis(10), reader.readline()).await {
            Ok(line) => bail!("there is no line yet, but: {line:?}"),
            Err(_) => println!("  given up"),
        }
        send(peer, piece)?;
    }
    println!("< {}", Excerpt(&reader.readline().await?));
    Ok(())
}

async fn too_long(reader: &mut StreamReader, peer: &mut Socket) -> Result<()> {
    for piece in ["much too long", ", and longer\nshort\n"] {
        send(peer, piece)?;
        match reader.readline().await {
            Ok(line) => println!("< {}", Excerpt(&line)),
            Err(error) => println!("  {error}"),
        }
    }
    Ok(())
}

fn send(peer: &mut Socket, piece: &str) -> Result<()> {
    println!("> {}", Excerpt(piece.as_bytes()));
    Ok(peer.write_all(piece.as_bytes())?)
}
