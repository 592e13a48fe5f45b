//! `line`: the length of each line, or `ERR` for one that is above the limit.

use crate::{KIB, MIB, growing_by_less_than, on_streams};
use anyhow::{Result, ensure};
use conformance::{Client, Server, measure};

/// Sends a line and receives the answer.
fn ask(client: &mut Client, line: &[u8], answer: &str) -> Result<()> {
    client.send(line)?;
    let received = client.receive_line()?;
    ensure!(received == answer, "{received:?} instead of {answer:?}");
    Ok(())
}

/// RD-03, RD-19: an end of line does not count, and the last line may have none.
#[test]
fn a_line_is_measured_without_its_end() -> Result<()> {
    on_streams("line", &[], |server| {
        let mut client = Client::connect("client-1", server.address())?;
        ask(&mut client, b"hello\r\n", "LEN 5\n")?;
        ask(&mut client, b"hello\n", "LEN 5\n")?;
        ask(&mut client, b"\r\n", "LEN 0\n")?;
        ask(&mut client, b"\n", "LEN 0\n")?;
        client.send(b"the last")?;
        client.finish()?;
        ensure!(client.receive_to_end()? == b"LEN 8\n");
        Ok(())
    })
}

/// RD-06, ST-09: the limit is what stands before the `\n`.
#[test]
fn a_line_of_the_limit_is_served_and_one_byte_more_is_not() -> Result<()> {
    for limit in [1, 5, 64 * KIB] {
        on_streams("line", &["--limit", &limit.to_string()], |server| {
            let mut client = Client::connect("client-1", server.address())?;
            let line = |count: usize, end: &str| [&vec![b'a'; count], end.as_bytes()].concat();
            for _ in 0..2 {
                ask(&mut client, &line(limit, "\n"), &format!("LEN {limit}\n"))?;
                ask(&mut client, &line(limit - 1, "\r\n"), &format!("LEN {}\n", limit - 1))?;
                ask(&mut client, &line(limit + 1, "\n"), "ERR\n")?;
                ask(&mut client, &line(limit, "\r\n"), "ERR\n")?;
            }
            client.send(&line(limit + 1, ""))?;
            client.finish()?;
            ensure!(client.receive_to_end()? == b"ERR\n");
            Ok(())
        })?;
    }
    Ok(())
}

/// RD-09, RD-15: a line is one in however many segments it comes.
#[test]
fn a_line_may_come_byte_by_byte() -> Result<()> {
    on_streams("line", &["--limit", "5"], |server| {
        let mut client = Client::connect("client-1", server.address())?;
        let segments = |client: &mut Client, line: &[u8]| {
            line.iter().try_for_each(|byte| client.send(&[*byte]))
        };
        segments(&mut client, b"12345\n123456\n123456789012\n1234\r\n")?;
        client.receive_back(b"LEN 5\nERR\nERR\nLEN 4\n")
    })
}

/// RD-07, and D-38: asyncio throws away what has come, and takes the rest of the long line for the
/// next one.
#[test]
fn d_38_a_line_without_end_costs_no_memory_and_the_next_one_is_served() -> Result<()> {
    on_streams("line", &["--limit", "65536"], |server| {
        let mut client = Client::connect("client-1", server.address())?;
        ask(&mut client, &[&vec![b'a'; 64 * KIB][..], b"\n"].concat(), "LEN 65536\n")?;
        growing_by_less_than(4 * MIB, server, || {
            // The answer is there before the end of the line is.
            ask(&mut client, &vec![b'a'; 32 * MIB], "ERR\n")?;
            ask(&mut client, b"\nhello\n", "LEN 5\n")
        })
    })
}

/// RD-07, D-38: also those that come in one segment.
#[test]
fn d_38_each_line_that_is_too_long_has_one_answer() -> Result<()> {
    const LINES: usize = 2000;
    on_streams("line", &["--limit", "100"], |server| {
        let mut client = Client::connect("client-1", server.address())?;
        let (mut lines, mut answers) = (Vec::new(), Vec::new());
        for length in (0..LINES).map(|number| number * 37 % 400) {
            lines.extend(vec![b'a'; length]);
            lines.push(b'\n');
            let answer = if length > 100 { "ERR\n" } else { &*format!("LEN {length}\n") };
            answers.extend_from_slice(answer.as_bytes());
        }
        client.send(&lines)?;
        client.receive_back(&answers)
    })
}

/// WR-02: an answer for each, and in order.
#[test]
fn ten_thousand_lines_at_once_of_three_clients_are_answered_in_order() -> Result<()> {
    const LINES: usize = 10_000;
    on_streams("line", &[], |server| {
        let mut clients = Vec::new();
        for number in 1..=3 {
            clients.push(Client::connect(format!("client-{number}"), server.address())?);
        }
        let lengths = |seed: usize| (0..LINES).map(move |number| (number * seed) % 97);
        for (client, seed) in clients.iter_mut().zip([7, 13, 31]) {
            let lines: Vec<_> = lengths(seed).map(|length| ".".repeat(length) + "\r\n").collect();
            client.send(lines.concat().as_bytes())?;
        }
        for (client, seed) in clients.iter_mut().zip([7, 13, 31]) {
            let answers: Vec<_> = lengths(seed).map(|length| format!("LEN {length}\n")).collect();
            client.receive_back(answers.concat().as_bytes())?;
            client.finish()?;
            ensure!(client.receive_to_end()?.is_empty(), "more answers than lines");
        }
        Ok(())
    })
}

/// A server that has had fifty clients and ten thousand requests has no more memory after as many
/// again: whatever stayed of a request or of a client would be there twice.
#[test]
fn clients_that_have_gone_leave_no_memory_behind() -> Result<()> {
    // 14 bytes for each request would be more, and so would 3 KiB for each client.
    const GROWTH_MAX: u64 = 128 * KIB as u64;
    on_streams("line", &[], |server| {
        let pid = server.process().pid();
        fifty_clients(server)?;
        let before = measure::resident(pid);
        fifty_clients(server)?;
        if let (Some(before), Some(after)) = (before, measure::resident(pid)) {
            let grown = after.saturating_sub(before);
            ensure!(grown < GROWTH_MAX, "memory has grown by {grown} bytes");
        }
        Ok(())
    })
}

/// 50 clients with 200 requests each, from their first to their last.
fn fifty_clients(server: &Server) -> Result<()> {
    let mut clients = Vec::new();
    for number in 1..=50 {
        clients.push(Client::connect(format!("client-{number}"), server.address())?);
    }
    for length in 0..200 {
        let (line, answer) = (".".repeat(length) + "\r\n", format!("LEN {length}\n"));
        clients.iter_mut().try_for_each(|client| client.send(line.as_bytes()))?;
        clients.iter_mut().try_for_each(|client| client.receive_back(answer.as_bytes()))?;
    }
    for client in &mut clients {
        client.finish()?;
        ensure!(client.receive_to_end()?.is_empty(), "more answers than lines");
    }
    Ok(())
}
