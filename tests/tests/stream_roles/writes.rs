//! `floodclose`, `tiny` and `ww`: many bytes at once, and few of them.

use crate::on_streams;
use anyhow::{Result, ensure};
use conformance::Client;

/// WR-08: what was written before a close arrives, to the byte.
#[test]
fn what_is_written_and_closed_at_once_arrives_whole() -> Result<()> {
    for bytes in [0, 1, 65_537, 10_000_019] {
        on_streams("floodclose", &["--bytes", &bytes.to_string()], |server| {
            for number in 1..=2 {
                let mut client = Client::connect(format!("client-{number}"), server.address())?;
                let received = client.receive_to_end()?;
                ensure!(received.len() == bytes, "{} bytes instead of {bytes}", received.len());
                ensure!(received.iter().all(|byte| *byte == b'F'), "other bytes than F");
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// WR-01, WR-08: none is lost, doubled or out of its place, and the end comes behind the last.
#[test]
fn a_hundred_thousand_tiny_writes_reach_clients_that_read_later() -> Result<()> {
    const CLIENTS: usize = 4;
    let lines: Vec<_> = (0..100_000).map(|number| format!("{number:09}\n")).collect();
    let lines = lines.concat();
    on_streams("tiny", &[], |server| {
        let mut late = Vec::new();
        for number in 1..=CLIENTS {
            late.push(Client::connect(format!("late-{number}"), server.address())?);
        }
        // It came last, so by its end everything was written to the others.
        late.push(Client::connect("quick", server.address())?);
        for client in late.iter_mut().rev() {
            client.receive_back(lines.as_bytes())?;
            ensure!(client.receive_to_end()?.is_empty(), "more than was written");
        }
        Ok(())
    })
}

/// WR-01: two writes are two bytes in their order, once for each line, also where there are many.
#[test]
fn two_writes_for_a_line_arrive_in_their_order() -> Result<()> {
    on_streams("ww", &[], |server| {
        let mut client = Client::connect("client-1", server.address())?;
        for line in ["one\n", "two\r\n", "\n"] {
            client.send(line.as_bytes())?;
            client.receive_back(b"ab")?;
        }
        client.send("a line\n".repeat(3000).as_bytes())?;
        client.receive_back("ab".repeat(3000).as_bytes())?;
        client.finish()?;
        ensure!(client.receive_to_end()?.is_empty(), "more than was written");
        Ok(())
    })
}
