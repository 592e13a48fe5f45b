//! The server for authors: answers, stays inside its folder, and builds anew.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::fixture::Fixture;

/// A line or an answer that takes longer never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server, ended with the test.
struct Server {
    child: Child,
    address: String,
    said: Receiver<String>,
    complained: Receiver<String>,
}

impl Server {
    fn start(fixture: &Fixture) -> Self {
        let mut command = fixture.command(&["book", "serve", "--listen", "127.0.0.1:0"]);
        command.env("CARGO_TARGET_DIR", fixture.path("target"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = lines(child.stdout.take().unwrap());
        let complained = lines(child.stderr.take().unwrap());
        let address = said.recv_timeout(PATIENCE).unwrap().trim_start_matches("http://").to_owned();
        Self { child, address, said, complained }
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which its test has noticed then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    receiver
}

#[test]
fn pages_are_served_and_nothing_else() {
    let fixture = Fixture::new();
    let server = Server::start(&fixture);
    let page = server.ask("GET /");
    assert!(
        page.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"),
        "{page}"
    );
    assert!(page.contains("A book"), "{page}");
    assert!(server.ask("GET /selector.html?search=x").contains("One thread waits"));
    assert!(server.ask("GET /pictures/stall%2Esvg").contains("Content-Type: image/svg+xml\r\n"));

    let head = server.ask("HEAD /selector.html");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    for outside in [
        "/../../../Cargo.toml",
        "/%2e%2e/%2e%2e/%2e%2e/Cargo.toml",
        "//etc/passwd",
        "/none.html",
        "x",
    ] {
        assert!(server.ask(&format!("GET {outside}")).starts_with("HTTP/1.1 404 "), "{outside}");
    }
    assert!(server.ask("POST /").starts_with("HTTP/1.1 405 "));
}

#[test]
fn a_change_is_built_and_a_broken_one_leaves_the_old_pages() {
    let fixture = Fixture::new();
    let server = Server::start(&fixture);
    fixture.edit("tests/snapshots/stall.snap", "hello", "good day");
    assert_eq!(server.said.recv_timeout(PATIENCE).unwrap(), "built anew");
    assert!(server.ask("GET /selector.html").contains("client-1: good day"));

    fixture.edit("book/src/selector.md", "{{#snap stall}}", "{{#snap stal}}");
    assert_eq!(
        server.complained.recv_timeout(PATIENCE).unwrap(),
        "book/src/selector.md:8: no snapshot `stal`; near: stall"
    );
    assert!(server.ask("GET /selector.html").contains("client-1: good day"));

    fixture.edit("book/src/selector.md", "{{#snap stal}}", "{{#snap stall}}");
    assert_eq!(server.said.recv_timeout(PATIENCE).unwrap(), "built anew");
}

#[test]
fn only_a_loopback_address_is_served() {
    let fault = Fixture::new().run(&["book", "serve", "--listen", "0.0.0.0:0"]).unwrap_err();
    assert!(fault.contains("0.0.0.0:0 is no loopback address"), "{fault}");
}
