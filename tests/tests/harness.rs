//! The tools of the suite themselves.

use anyhow::{Context, ensure};
use conformance::{Client, Process, Server, TEST_MAX, example, program, within};
use std::env;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// Set in the environment of the run that is to hang.
const HANG: &str = "CONFORMANCE_HANG";

#[test]
fn hangs_when_it_is_told_to() -> anyhow::Result<()> {
    if env::var_os(HANG).is_none() {
        return Ok(());
    }
    let stage = Path::new(env!("CARGO_BIN_EXE_stage"));
    let server = Server::start(&mut conformance::COLUMNS[1].stage(stage, "echo"))?;
    eprintln!("its server: {}", server.address());
    within(Duration::from_millis(1), "the test that hangs", || {
        loop {
            thread::park();
        }
    })
}

#[test]
fn a_hang_ends_the_run_by_name_and_leaves_no_server() -> anyhow::Result<()> {
    within(TEST_MAX, "the test of the test that hangs", || {
        let mut command = Command::new(env::current_exe()?);
        command.args(["--exact", "hangs_when_it_is_told_to", "--nocapture"]).env(HANG, "yes");
        let mut run = Process::spawn(&mut command, Stdio::null())?;
        ensure!(!run.wait()?.success(), "a hang has passed");
        let said = run.stderr().wait_for_end()?;
        ensure!(said.contains("the test that hangs: still not done after 1ms"), "it said {said:?}");
        let server =
            said.lines().find_map(|line| line.strip_prefix("its server: ")).context("no server")?;
        // It was killed, and may take a moment to go.
        let address: SocketAddr = server.parse()?;
        while TcpStream::connect(address).is_ok() {
            thread::yield_now();
        }
        Ok(())
    })
}

#[test]
fn programs_and_examples_of_the_chapters_are_found() -> anyhow::Result<()> {
    within(TEST_MAX, "programs and examples", || {
        let server = Server::start(program("chapter-01")?.args(["--listen", "127.0.0.1:0"]))?;
        let mut client = Client::connect("client-1", server.address())?;
        client.send(b"hello\r\n")?;
        ensure!(client.receive_line()? == "Buffer: hello\r\n");
        server.process().stdout().wait_for_line("sent 7 bytes")?;
        ensure!(example("chapter-01", "no_such_example").is_err());
        Ok(())
    })
}

#[test]
fn a_client_says_what_it_waited_for() -> anyhow::Result<()> {
    within(TEST_MAX, "a client's words", || {
        let stage = Path::new(env!("CARGO_BIN_EXE_stage"));
        let mut server = Server::start(&mut conformance::COLUMNS[2].stage(stage, "echo"))?;
        let mut client = Client::connect("client-1", server.address())?;
        client.echo(b"abc")?;
        ensure!(client.is_silent()?);
        server.process_mut().kill()?;
        let error =
            format!("{:#}", client.receive(5).err().context("five bytes came from nowhere")?);
        ensure!(error == "client-1 waited for 5 bytes, got 0 and end of file", "it said {error:?}");
        Ok(())
    })
}
