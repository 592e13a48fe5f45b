//! `frame`: a length in four bytes and so many bytes come back with the bytes reversed.

use crate::{KIB, MIB, growing_by_less_than, on_streams};
use anyhow::{Result, ensure};
use conformance::{Client, Server, pattern};

fn framed(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_be_bytes(), payload].concat()
}

fn reversed(payload: &[u8]) -> Vec<u8> {
    payload.iter().rev().copied().collect()
}

/// Sends a frame and receives it reversed.
fn is_reversed(client: &mut Client, payload: &[u8]) -> Result<()> {
    client.send(&framed(payload))?;
    client.receive_back(&framed(&reversed(payload)))
}

/// RD-02, RD-12: what is read by number may be far above the limit, at which reading pauses.
#[test]
fn a_frame_of_3_mebibytes_comes_back_at_a_limit_of_a_kibibyte() -> Result<()> {
    on_streams("frame", &["--limit", "1024"], |server| {
        let mut client = Client::connect("client-1", server.address())?;
        for bytes in [3 * MIB, 0, 1, KIB, 2 * KIB + 1, 3 * MIB] {
            is_reversed(&mut client, &pattern(bytes))?;
        }
        Ok(())
    })
}

/// RD-02: frames that come together, and one that comes byte by byte, are all there.
#[test]
fn frames_are_told_apart_however_they_come() -> Result<()> {
    on_streams("frame", &[], |server| {
        let mut client = Client::connect("client-1", server.address())?;
        let sizes = 0..300;
        let frames: Vec<_> = sizes.clone().map(|bytes| framed(&pattern(bytes))).collect();
        let answers: Vec<_> = sizes.map(|bytes| framed(&reversed(&pattern(bytes)))).collect();
        client.send(&frames.concat())?;
        client.receive_back(&answers.concat())?;
        framed(b"hello").iter().try_for_each(|byte| client.send(&[*byte]))?;
        client.receive_back(&framed(b"olleh"))
    })
}

/// RD-02: how much there was and how much there should have been.
#[test]
fn a_frame_that_is_cut_short_is_said_to_be_incomplete() -> Result<()> {
    let whole = framed(b"abc");
    let cases: [(&[u8], &[u8]); 6] = [
        (b"", b""),
        (&whole, &framed(b"cba")),
        (b"\0\0", b"INCOMPLETE 2/4"),
        (b"\0\0\0\x0a", b"INCOMPLETE 0/10"),
        (b"\0\0\0\x0a123456789", b"INCOMPLETE 9/10"),
        (&[&whole[..], b"\0\0\0"].concat(), &[&framed(b"cba")[..], b"INCOMPLETE 3/4"].concat()),
    ];
    on_streams("frame", &[], |server| {
        for (sent, expected) in cases {
            let mut client = Client::connect("client-1", server.address())?;
            client.send(sent)?;
            client.finish()?;
            let received = client.receive_to_end()?;
            ensure!(received == expected, "\"{}\"", received.escape_ascii());
        }
        Ok(())
    })
}

/// A client that announces 4 GiB has the memory of what it sends. The server could not have more:
/// its address space has a limit.
#[test]
fn an_absurd_length_costs_no_memory() -> Result<()> {
    on_streams("frame", &[], |server| {
        let mut witness = Client::connect("witness", server.address())?;
        is_reversed(&mut witness, &pattern(64 * KIB))?;
        limit_address_space(server)?;
        growing_by_less_than(MIB, server, || {
            let mut client = Client::connect("client-1", server.address())?;
            client.send(b"\xff\xff\xff\xff123")?;
            is_reversed(&mut witness, b"still here")?;
            client.finish()?;
            ensure!(client.receive_to_end()? == b"INCOMPLETE 3/4294967295");
            is_reversed(&mut witness, b"and later")
        })
    })
}

#[cfg(target_os = "linux")]
fn limit_address_space(server: &Server) -> Result<()> {
    use rustix::process::{Resource, Rlimit, prlimit};
    let gibibyte = Some(1 << 30);
    let limit = Rlimit { current: gibibyte, maximum: gibibyte };
    prlimit(Some(server.process().pid()), Resource::As, limit)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn limit_address_space(_: &Server) -> Result<()> {
    Ok(())
}
