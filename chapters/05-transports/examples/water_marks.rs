//! Writes to a reader that does not read, byte by byte past the high-water mark, then reads:
//! `cargo run -p chapter-05 --example water_marks`.

use anyhow::ensure;
use chapter_04::{AsyncSocket, run};
use chapter_05::{BaseProtocol, Protocol, Transport, connect_accepted_socket};
use socket2::{Domain, Socket, Type};
use std::process::ExitCode;
use std::rc::Rc;

fn main() -> ExitCode {
    chapter_01::exit_code("water_marks", start())
}

fn start() -> anyhow::Result<()> {
    run(cross_the_marks())?
}

async fn cross_the_marks() -> anyhow::Result<()> {
    let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
    let (transport, writer) = connect_accepted_socket(Writer::default, near).await?;
    while transport.write_buffer_size() == 0 {
        transport.write(&[b'!'; 1024])?;
    }
    println!("the kernel takes no more");

    let high = transport.write_buffer_limits().high();
    transport.write(&vec![b'!'; high - transport.write_buffer_size()])?;
    println!("{} bytes are kept", transport.write_buffer_size());
    transport.write(b"!")?;
    println!("one more is written");
    transport.write(b"!")?;
    println!("and another one");

    far.set_nonblocking(true)?;
    let reader = AsyncSocket::new(far)?;
    println!("the reader reads");
    while writer.with(|writer| writer.is_paused)? {
        ensure!(!reader.recv(1024).await?.is_empty(), "the transport is gone");
    }
    transport.abort();
    Ok(())
}

#[derive(Default)]
struct Writer {
    is_paused: bool,
}

impl BaseProtocol for Writer {
    fn pause_writing(&mut self, transport: &Rc<dyn Transport>) {
        self.is_paused = true;
        println!("pause_writing, at {} bytes", transport.write_buffer_size());
    }

    fn resume_writing(&mut self, transport: &Rc<dyn Transport>) {
        self.is_paused = false;
        let (kept, low) = (transport.write_buffer_size(), transport.write_buffer_limits().low());
        let place = if kept <= low { "at or below" } else { "above" };
        println!("resume_writing, {place} {low} bytes");
    }
}

impl Protocol for Writer {}
