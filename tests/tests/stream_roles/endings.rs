//! `collect` and `boom`: a client that ends, and a handler that fails.

use crate::{GRACE, MIB, on_streams, until_accepted};
use anyhow::{Result, ensure};
use conformance::{Client, Signal, pattern};
use std::time::Instant;

/// RD-01, WR-13: everything is read, without a limit, and the way back is open after the end.
#[test]
fn all_that_a_client_has_sent_is_collected() -> Result<()> {
    on_streams("collect", &["--limit", "1024", "--delay", "0.01"], |server| {
        for bytes in [0, 1, 1024, 2049, 3 * MIB] {
            let sent = pattern(bytes);
            let mut client = Client::connect("client-1", server.address())?;
            client.send(&sent)?;
            client.finish()?;
            let expected = [format!("{bytes} ").as_bytes(), &sent.to_ascii_uppercase()].concat();
            client.receive_back(&expected)?;
            ensure!(client.receive_to_end()?.is_empty(), "more than was collected");
        }
        Ok(())
    })
}

/// SG-06: what is in flight when SIGTERM comes is finished. D-18: if that takes longer than the time
/// that is left for it, it is not.
#[test]
fn d_18_an_answer_that_is_due_soon_arrives_after_sigterm() -> Result<()> {
    for (delay, is_due) in [("0.01", true), ("3600", false)] {
        on_streams("collect", &["--delay", delay], |server| {
            let mut client = Client::connect("client-1", server.address())?;
            client.send(b"hello")?;
            until_accepted(1, server)?;
            let begun = Instant::now();
            server.process().signal(Signal::TERM)?;
            client.finish()?;
            let received = client.receive_to_end()?;
            // On a machine that stands still for as long as that, its time may be over.
            if is_due && begun.elapsed() < GRACE {
                ensure!(received == b"5 HELLO");
            } else if !is_due {
                ensure!(received.is_empty(), "there was an answer");
            }
            let status = server.process_mut().wait()?;
            ensure!(status.code() == Some(0), "ended with {status}");
            Ok(())
        })?;
    }
    Ok(())
}

/// ST-03: it is told, its client is let go, and nobody else notices.
#[test]
fn a_handler_that_fails_ends_its_client_alone() -> Result<()> {
    on_streams("boom", &[], |server| {
        let mut witness = Client::connect("witness", server.address())?;
        witness.turns()?;
        // In one piece, in two, and behind other lines.
        let scripts: [&[&[u8]]; 3] =
            [&[b"boom\r\n"], &[b"bo", b"om\r\n"], &[b"boom\n", b"no boom\r\nboom\r\n"]];
        let echoes: [&[u8]; 3] = [b"", b"bo", b"boom\nno boom\r\n"];
        for (script, echo) in scripts.iter().zip(echoes) {
            let mut client = Client::connect("client-1", server.address())?;
            let (last, before) = script.split_last().expect("something is sent");
            before.iter().try_for_each(|piece| client.echo(piece))?;
            client.send(last)?;
            let received = [&before.concat()[..], &client.receive_to_end()?].concat();
            ensure!(received == echo, "\"{}\"", received.escape_ascii());
            let said = format!(
                "the handler of a connection failed (connection of {}): Unexpected network error",
                client.address()?
            );
            server.process().stderr().wait_for_line(&said)?;
            witness.turns()?;
        }
        // None of the others has failed.
        drop(witness);
        server.process().signal(Signal::TERM)?;
        ensure!(server.process_mut().wait()?.code() == Some(0));
        let said = server.process().stderr().wait_for_end()?;
        let failures = said.lines().filter(|line| line.contains("Unexpected network error"));
        ensure!(failures.count() == 3, "it said {said}");
        Ok(())
    })
}
