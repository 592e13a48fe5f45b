//! Where the servers from chapter 05 on can listen, which those below cannot: at a path of the file
//! system, and at several addresses.

use anyhow::{Context, Result, ensure};
use conformance::{Client, Process, Server, Signal, TEST_MAX, program, within, wrap};
use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Stdio;

/// They say the same.
const SERVERS: [&str; 2] = ["chapter-05", "chapter-06"];

/// Starts each server, and plays a script against it, over each selector.
fn over_each_selector(arguments: &[&str], script: impl Fn(Process) -> Result<()>) -> Result<()> {
    for name in SERVERS {
        for selector in ["mio", "polling"] {
            let title = format!("{name} over {selector}");
            let start = || start(name, arguments, selector);
            within(TEST_MAX, &title, || script(start()?)).context(title)?;
        }
    }
    Ok(())
}

fn start(name: &str, arguments: &[&str], selector: &str) -> Result<Process> {
    let mut command = program(name)?;
    Process::spawn(command.args(arguments).args(["--selector", selector]), Stdio::null())
}

/// Waits until a server has ended, and gives all that it has said.
fn end(server: &mut Process) -> Result<String> {
    let (status, errors) = (server.wait()?, server.stderr().wait_for_end()?);
    ensure!(status.code() == Some(0) && errors.is_empty(), "ended with {status}: {errors}");
    server.stdout().wait_for_end()
}

/// UX-05: the clients of a Unix socket have no address.
#[test]
fn a_path_is_served_until_sigterm_and_then_removed() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("echo.socket");
    let shown = path.display().to_string();
    over_each_selector(&["--unix", &shown], |mut server| {
        ensure!(server.stdout().wait_for_line("")? == format!("listening on {shown}"));
        let mut client = Client::connect_to_path("client-1", &path)?;
        client.echo(b"hello")?;
        server.signal(Signal::TERM)?;
        server.stdout().wait_for_line("SIGTERM: no more clients")?;
        // Who is here may end in order.
        client.echo(b"one more thing")?;
        client.finish()?;
        ensure!(client.receive_to_end()?.is_empty());
        let said = end(&mut server)?;
        let lines: Vec<_> = said.lines().skip(1).collect();
        let expected = [
            "an unnamed socket connected",
            "an unnamed socket sent 5 bytes: \"hello\"",
            "SIGTERM: no more clients; those who are here have 10s",
            "an unnamed socket sent 14 bytes: \"one more thing\"",
            "an unnamed socket closed",
        ];
        ensure!(lines == expected, "it said {said}");
        ensure!(!path.exists(), "the path is left behind");
        Ok(())
    })
}

/// UX-03: Ctrl-C leaves nothing behind, and waits for nobody, also after SIGTERM.
#[test]
fn a_path_is_removed_at_an_interrupt() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("echo.socket");
    let shown = path.display().to_string();
    for is_told_before in [false, true] {
        over_each_selector(&["--unix", &shown], |mut server| {
            server.stdout().wait_for_line("listening on")?;
            let mut client = Client::connect_to_path("client-1", &path)?;
            client.echo(b"hello")?;
            if is_told_before {
                server.signal(Signal::TERM)?;
                server.stdout().wait_for_line("SIGTERM: no more clients")?;
            }
            server.signal(Signal::INT)?;
            ensure!(client.receive_to_end()?.is_empty());
            end(&mut server)?;
            ensure!(!path.exists(), "the path is left behind");
            Ok(())
        })?;
    }
    Ok(())
}

/// CS-02, CS-05, and D-39: the two families have one port number. The lines name all addresses.
#[test]
fn d_39_a_server_without_a_host_is_at_every_address() -> Result<()> {
    let has_six = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    over_each_selector(&["--listen", ":0"], |mut server| {
        let line = server.stdout().wait_for_line("listening on 0.0.0.0:")?;
        let (_, port) = line.rsplit_once(':').context("a port")?;
        let port: u16 = port.parse()?;
        Client::connect("client-4", SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?.echo(b"4")?;
        if has_six {
            server.stdout().wait_for_line(&format!("listening on [::]:{port}"))?;
            let six = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
            Client::connect("client-6", six)?.echo(b"6")?;
        }
        server.signal(Signal::INT)?;
        end(&mut server).map(drop)
    })
}

/// SK-19: an IPv6 address stands in brackets.
#[test]
fn an_address_of_ipv6_is_served() -> Result<()> {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        println!("not tested: this machine has no IPv6");
        return Ok(());
    }
    for name in SERVERS {
        within(TEST_MAX, name, || {
            let server = Server::start(program(name)?.args(["--listen", "[::1]:0"]))?;
            ensure!(server.address().ip() == Ipv6Addr::LOCALHOST);
            Client::connect("client-1", server.address())?.echo(b"x")
        })?;
    }
    Ok(())
}

/// What a server says of a path that it cannot have: one line that says why, and an exit code.
#[test]
fn bad_paths() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let _owner = UnixListener::bind(directory.path().join("taken.socket"))?;
    File::create(directory.path().join("notes.txt"))?;
    let long = "a/".repeat(100);
    let mut text = String::new();
    for (note, name) in [
        ("# while another server listens at taken.socket", "taken.socket"),
        ("# a file that is no socket", "notes.txt"),
        ("# a directory that there is not", "nowhere/echo.socket"),
        ("# a path that is longer than the kernel takes", &*long),
        ("# no path", ""),
    ] {
        let (code, error) = refused("chapter-05", directory.path(), name).context(note)?;
        let (later_code, later_error) =
            refused("chapter-06", directory.path(), name).context(note)?;
        ensure!(
            (later_code, later_error.replacen("chapter-06", "chapter-05", 1))
                == (code, error.clone()),
            "{note}: chapter 06 says {later_error:?}"
        );
        let shown = if name.len() > 40 { "[200 letters]" } else { name };
        let error = error.replace(name, shown);
        let name = if name.is_empty() { "''" } else { shown };
        text +=
            &format!("{note}\n$ chapter-05 --unix {name}\n{}\n", wrap(error.trim_end(), "    "));
        text += &format!("(ends with exit code {code})\n\n");
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("bad-input-unix", text));
    Ok(())
}

/// Runs a server that cannot start, in a directory: its exit code and what it says.
fn refused(server: &str, directory: &Path, path: &str) -> Result<(i32, String)> {
    let mut command = program(server)?;
    let command = command.current_dir(directory).args(["--unix", path]);
    let mut server = Process::spawn(command, Stdio::null())?;
    let (status, error) = (server.wait()?, server.stderr().wait_for_end()?);
    ensure!(error.lines().count() == 1, "it said {error:?}");
    ensure!(server.stdout().wait_for_end()?.is_empty(), "it announced a path that it has not");
    Ok((status.code().context("ended by a signal")?, error))
}
