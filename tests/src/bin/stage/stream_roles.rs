//! The roles on streams: what is done for one client, from its first byte to the end.
//!
//! Each fails when its client is lost, which ends the connection and nothing else.

use crate::CHUNK;
use chapter_04::sleep;
use chapter_06::{ReadError, StreamReader, StreamWriter};
use std::cell::Cell;
use std::io;
use std::time::Duration;

/// How many lines a tiny writer writes.
const TINY_LINES: usize = 100_000;

/// Says how many chunks were echoed before, then echoes.
pub(crate) async fn greet(
    mut reader: StreamReader,
    writer: StreamWriter,
    echoed: &Cell<u32>,
) -> io::Result<()> {
    writer.write(format!("{:06}\n", echoed.get()).as_bytes())?;
    loop {
        let chunk = reader.read(CHUNK).await?;
        if chunk.is_empty() {
            return Ok(writer.close().await?);
        }
        writer.write(&chunk)?;
        echoed.set(echoed.get() + 1);
        writer.drain().await?;
    }
}

/// Sends so many `F`, as there is room for them, and closes. What the client sends is not read.
pub(crate) async fn flood(writer: StreamWriter, bytes: usize) -> io::Result<()> {
    let chunk = [b'F'; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let count = left.min(CHUNK);
        writer.write(&chunk[..count])?;
        writer.drain().await?;
        left -= count;
    }
    Ok(writer.close().await?)
}

/// Writes so many `F` at once, however few of them there is room for, and closes.
pub(crate) async fn flood_close(writer: StreamWriter, bytes: usize) -> io::Result<()> {
    writer.write(&vec![b'F'; bytes])?;
    Ok(writer.close().await?)
}

/// Reads all that the client has to say, takes some time, and says how much it was and all of it in
/// upper case.
pub(crate) async fn collect(
    mut reader: StreamReader,
    writer: StreamWriter,
    delay: Duration,
) -> io::Result<()> {
    let mut bytes = reader.read_to_end().await?.into_vec();
    sleep(delay).await;
    bytes.make_ascii_uppercase();
    writer.writelines(&[format!("{} ", bytes.len()).as_bytes(), &bytes])?;
    Ok(writer.close().await?)
}

/// Says of each line how long it is, without its end, or that it is longer than the limit.
pub(crate) async fn line(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    loop {
        let answer = match reader.readline().await {
            Ok(line) if line.is_empty() => return Ok(writer.close().await?),
            Ok(line) => format!("LEN {}\n", without_end(&line).len()),
            Err(ReadError::LineTooLong { .. }) => "ERR\n".to_owned(),
            Err(error) => return Err(error.into()),
        };
        writer.write(answer.as_bytes())?;
        writer.drain().await?;
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Sends each frame back with its payload reversed. If the client ends within one, says how much of
/// it has come, and closes.
pub(crate) async fn frame(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    loop {
        match read_frame(&mut reader).await {
            Ok(Some(mut payload)) => {
                let length = (payload.len() as u32).to_be_bytes();
                payload.reverse();
                writer.writelines(&[&length, &payload])?;
                writer.drain().await?;
            }
            Ok(None) => return Ok(writer.close().await?),
            Err(ReadError::Incomplete { partial, expected: Some(expected) }) => {
                let answer = format!("INCOMPLETE {}/{expected}", partial.len());
                writer.write(answer.as_bytes())?;
                return Ok(writer.close().await?);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads the length, big-endian in four bytes, and the payload. `None`: the client has ended in
/// order, before both.
///
/// The length is the client's word: memory is taken for the bytes that come, not for those that are
/// announced.
async fn read_frame(reader: &mut StreamReader) -> Result<Option<Vec<u8>>, ReadError> {
    let length = match reader.readexactly(4).await {
        Err(ReadError::Incomplete { partial, .. }) if partial.is_empty() => return Ok(None),
        length => length?,
    };
    let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    Ok(Some(reader.readexactly(length).await?.into_vec()))
}

/// Never reads. The connection stays for as long as the client wants it.
pub(crate) async fn idle(writer: StreamWriter) -> io::Result<()> {
    Ok(writer.wait_closed().await?)
}

/// Echoes, and fails at the line `boom`, in however many pieces it comes.
pub(crate) async fn boom(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    const BOOM: &[u8] = b"boom\r\n";
    // The beginning of the line that is coming: as much as tells that it is another one.
    let mut line: Vec<u8> = Vec::new();
    loop {
        let chunk = reader.read(CHUNK).await?;
        if chunk.is_empty() {
            return Ok(writer.close().await?);
        }
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            line.extend(piece.iter().take(BOOM.len() + 1 - line.len()));
            if line == BOOM {
                return Err(io::Error::other("Unexpected network error"));
            }
            writer.write(piece)?;
            if piece.ends_with(b"\n") {
                line.clear();
            }
        }
        writer.drain().await?;
    }
}

/// Answers each line with two writes of one byte each.
pub(crate) async fn separate_bytes(
    mut reader: StreamReader,
    writer: StreamWriter,
) -> io::Result<()> {
    let mut lines = reader.lines();
    while lines.next().await?.is_some() {
        writer.write(b"a")?;
        writer.write(b"b")?;
        writer.drain().await?;
    }
    Ok(writer.close().await?)
}

/// Writes 100,000 short lines and closes. It awaits no room in between, on purpose: what becomes of
/// very many writes that the kernel does not take is the question.
pub(crate) async fn tiny(writer: StreamWriter) -> io::Result<()> {
    for number in 0..TINY_LINES {
        writer.write(format!("{number:09}\n").as_bytes())?;
    }
    Ok(writer.close().await?)
}
