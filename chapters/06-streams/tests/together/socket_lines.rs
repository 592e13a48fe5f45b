//! The lines of `examples/lines_on_socket`, which are read straight from a socket.

#[expect(dead_code, reason = "its `main` is not called here")]
#[path = "../../examples/lines_on_socket.rs"]
mod lines_on_socket;

use crate::net::{both, passes, tcp_pair};
use chapter_04::{Either, race};
use lines_on_socket::SocketLines;
use std::io::Write;

/// SK-04: each piece has come before the next one is sent.
#[test]
fn lines_come_whole_however_they_are_cut() {
    both(async |_| {
        let text = b"a\r\n\r\nb\rc\n\r\nd\r\n";
        for cut in 0..=text.len() {
            let (near, mut far) = tcp_pair();
            let mut lines = SocketLines::new(near, 80);
            let mut read = Vec::new();
            far.write_all(&text[..cut]).unwrap();
            let whole = text[..cut].windows(2).filter(|pair| *pair == b"\r\n").count();
            for _ in 0..whole {
                read.push(lines.next_line().await.unwrap().unwrap());
            }
            far.write_all(&text[cut..]).unwrap();
            drop(far);
            while let Some(line) = lines.next_line().await.unwrap() {
                read.push(line);
            }
            assert_eq!(read, [&b"a\r\n"[..], b"\r\n", b"b\rc\n\r\n", b"d\r\n"], "cut at {cut}");
        }
    });
}

/// D-22 (SA-22).
#[test]
fn d_22_a_wait_for_a_line_that_is_given_up_loses_nothing() {
    both(async |_| {
        let (near, mut far) = tcp_pair();
        let mut lines = SocketLines::new(near, 80);
        let mut read = Vec::new();
        for piece in [&b"one li"[..], b"ne\r", b"\nan", b"d another\r\n"] {
            far.write_all(piece).unwrap();
            // It takes what has come, and is dropped while it waits for the rest.
            if let Either::First(line) = race(lines.next_line(), passes(10)).await {
                read.push(line.unwrap().unwrap());
            }
        }
        drop(far);
        while let Some(line) = lines.next_line().await.unwrap() {
            read.push(line);
        }
        assert_eq!(read, [&b"one line\r\n"[..], b"and another\r\n"]);
    });
}

#[test]
fn a_line_that_is_too_long_is_an_error() {
    both(async |_| {
        let (near, mut far) = tcp_pair();
        let mut lines = SocketLines::new(near, 4);
        far.write_all(b"ab\r\nabcde").unwrap();
        assert_eq!(lines.next_line().await.unwrap().unwrap(), b"ab\r\n");
        let error = lines.next_line().await.unwrap_err();
        assert_eq!(error.to_string(), "a line of more than 4 bytes");
    });
}

/// What has no end is no line.
#[test]
fn the_end_of_file_ends_the_lines() {
    both(async |_| {
        let (near, mut far) = tcp_pair();
        let mut lines = SocketLines::new(near, 80);
        far.write_all(b"one\r\nhalf a li").unwrap();
        drop(far);
        assert_eq!(lines.next_line().await.unwrap().unwrap(), b"one\r\n");
        assert_eq!(lines.next_line().await.unwrap(), None);
        assert_eq!(lines.next_line().await.unwrap(), None);
    });
}
