//! The runs that the book shows are as recorded in `snapshots/`.

use anyhow::{Context, Result, ensure};
use conformance::{
    PATIENCE, Process, SCENES, Scene, Script, TEST_MAX, example, program, record, within, wrap,
};
use socket2::{Domain, Socket, Type};
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The programs with a server of their own.
const CHAPTERS: [&str; 6] =
    ["chapter-01", "chapter-02", "chapter-03", "chapter-04", "chapter-05", "chapter-06"];

/// Compares a text with its snapshot.
fn check(name: &str, text: &str) {
    assert!(
        text.lines().all(|line| line.chars().count() < 80),
        "{name} is too wide for a page:\n{text}"
    );
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Plays all scenes of a chapter.
fn play(chapter: &str) -> Result<()> {
    for scene in SCENES.iter().filter(|scene| scene.chapter == chapter) {
        if cfg!(mio_unsupported_force_poll_poll)
            && scene.name.starts_with("example-forgets-to-drain-mio")
        {
            println!("{}: not played, since poll(2) has no edges", scene.name);
            continue;
        }
        let transcript =
            within(TEST_MAX, scene.name, || scene.play(&[], |_| {})).context(scene.name)?;
        check(scene.name, &transcript);
    }
    Ok(())
}

#[test]
fn chapter_01() -> Result<()> {
    play("chapter-01")
}

// What a server costs is measured on Linux alone.
#[cfg(target_os = "linux")]
#[test]
fn chapter_02() -> Result<()> {
    play("chapter-02")
}

#[cfg(target_os = "linux")]
#[test]
fn chapter_03() -> Result<()> {
    play("chapter-03")
}

#[cfg(target_os = "linux")]
#[test]
fn chapter_04() -> Result<()> {
    play("chapter-04")
}

#[cfg(target_os = "linux")]
#[test]
fn chapter_05() -> Result<()> {
    play("chapter-05")
}

#[cfg(target_os = "linux")]
#[test]
fn chapter_06() -> Result<()> {
    play("chapter-06")
}

/// The servers of chapters 03 to 06, and the chat, do the same over both selectors.
#[cfg(target_os = "linux")]
#[test]
fn the_selector_makes_no_difference() -> Result<()> {
    let is_server = |scene: &Scene| scene.example.is_none_or(|name| name == "chat");
    let with_selector = |scene: &Scene| is_server(scene) && scene.chapter >= "chapter-03";
    for scene in SCENES.iter().filter(|scene| with_selector(scene)) {
        for selector in ["mio", "polling"] {
            let transcript =
                within(TEST_MAX, selector, || scene.play(&["--selector", selector], |_| {}));
            check(scene.name, &transcript.context(selector)?);
        }
    }
    Ok(())
}

// What a kernel makes of an option is its own business: other systems have other numbers.
#[cfg(target_os = "linux")]
#[test]
fn socket_options() -> Result<()> {
    let (code, output, errors) = run(&mut example("chapter-01", "socket_options")?)?;
    ensure!((code, &*errors) == (Some(0), ""), "ended with {code:?}: {errors}");
    check("example-socket-options", &output);
    Ok(())
}

/// What a program does with a command line that it cannot follow: one line that says what to do,
/// and an exit code. The later chapters do the same.
#[test]
fn bad_input() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let taken = taken.local_addr()?.to_string();
    let cases = [
        (
            "refused",
            "# while another server listens at 127.0.0.1:8000",
            "chapter-01",
            ["--listen", "127.0.0.1:8000"],
        ),
        (
            "refused",
            "# an address of some other machine",
            "chapter-01",
            ["--listen", "192.0.2.1:8000"],
        ),
        ("typed", "# no port", "chapter-01", ["--listen", "localhost"]),
        (
            "typed",
            "# a host that nobody knows",
            "chapter-01",
            ["--listen", "no-such-host.invalid:8000"],
        ),
        ("typed", "# an option that there is not", "chapter-01", ["--port", "8000"]),
        ("selector", "# a selector that there is not", "chapter-03", ["--selector", "epoll"]),
    ];
    for group in ["refused", "typed", "selector"] {
        let mut text = String::new();
        for (_, note, program, arguments) in cases.iter().filter(|case| case.0 == group) {
            let actual = arguments.map(|argument| argument.replace("127.0.0.1:8000", &taken));
            let run = |program| run(conformance::program(program)?.args(&actual)).context(*note);
            let (code, output, errors) = run(program)?;
            for later in CHAPTERS.iter().skip_while(|chapter| **chapter != *program) {
                let (as_code, as_output, as_errors) = run(later)?;
                let alike = (as_code, as_output) == (code, output.clone())
                    && as_errors.replace(later, program) == errors;
                ensure!(alike, "{note}: {later} says {as_errors:?}, and {program} {errors:?}");
            }
            let one_line = output.is_empty() && errors.lines().count() == 1;
            ensure!(one_line, "{note}: {output:?}, {errors:?}");
            let error = without_reason(errors.trim_end()).replace(&taken, "127.0.0.1:8000");
            let code = code.with_context(|| format!("{note}: ended by a signal"))?;
            let arguments = arguments.join(" ");
            text += &format!("{note}\n$ {program} {arguments}\n{}\n", wrap(&error, "    "));
            text += &format!("(ends with exit code {code})\n\n");
        }
        check(&format!("bad-input-{group}"), &text);
    }
    Ok(())
}

#[test]
fn an_example_says_what_it_cannot_do() -> Result<()> {
    // Bound, but nobody listens there.
    let free = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    free.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    let free = free.local_addr()?.as_socket().context("an address")?.to_string();
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let taken = taken.local_addr()?.to_string();
    let refused = |name| format!("{name}: cannot connect to {free}: Connection refused");
    for (chapter, name, arguments, expected) in [
        (
            "chapter-04",
            "boom",
            ["--track", "perhaps"],
            "boom: --track takes yes or no, not \"perhaps\"",
        ),
        ("chapter-04", "got_message_client", ["--connect", &free], &refused("got_message_client")),
        (
            "chapter-04",
            "got_message_client",
            ["--connect", "nowhere"],
            "got_message_client: \"nowhere\" is no address",
        ),
        (
            "chapter-05",
            "echo_protocol_client",
            ["--connect", &free],
            &refused("echo_protocol_client"),
        ),
        (
            "chapter-05",
            "echo_protocol",
            ["--listen", &taken],
            &format!("echo_protocol: {taken} is in use: "),
        ),
        ("chapter-06", "tcp_echo_client", ["--connect", &free], &refused("tcp_echo_client")),
        (
            "chapter-06",
            "tcp_echo_server",
            ["--listen", &taken],
            &format!("tcp_echo_server: {taken} is in use: "),
        ),
        ("chapter-06", "chat", ["--listen", &taken], &format!("chat: {taken} is in use: ")),
    ] {
        let (code, output, errors) = run(example(chapter, name)?.args(arguments))?;
        ensure!((code, &*output) == (Some(1), ""), "{name} ended with {code:?}: {output}");
        let one_line = errors.starts_with(expected) && errors.lines().count() == 1;
        ensure!(one_line, "{name} said {errors:?}");
    }
    Ok(())
}

#[test]
fn a_client_of_an_echo_says_that_its_server_is_gone() -> Result<()> {
    client_is_cut_off("chapter-05", "echo_protocol_client")?;
    client_is_cut_off("chapter-06", "tcp_echo_client")
}

fn client_is_cut_off(chapter: &str, name: &str) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut command = example(chapter, name)?;
    command.args(["--connect", &listener.local_addr()?.to_string()]);
    let mut client = Process::spawn(&mut command, Stdio::null())?;
    let (mut server, _) = within(PATIENCE, "the client", || listener.accept())?;
    // Only now is the client connected and waits for its answer.
    within(PATIENCE, "the message", || server.read_exact(&mut [0; 12]))?;
    let server = Socket::from(server);
    server.set_linger(Some(Duration::ZERO))?;
    drop(server);
    let status = within(PATIENCE, "the client's end", || client.wait())?;
    let errors = client.stderr().wait_for_end()?;
    ensure!(status.code() == Some(1), "it ended with {status}: {errors:?}");
    let lost = format!("{name}: the connection was lost: Connection reset by peer (os error ");
    let rest = errors.strip_prefix(&lost).and_then(|rest| rest.strip_suffix(")\n"));
    ensure!(rest.is_some_and(|number| number.len() < 6), "it said {errors:?}");
    Ok(())
}

/// The resolver's own words differ from system to system.
fn without_reason(error: &str) -> String {
    match error.split_once("numeric address (") {
        Some((start, _)) => format!("{start}numeric address ([what the resolver says])"),
        None => error.to_owned(),
    }
}

/// No snapshot, since many systems give every port to everybody.
#[cfg(target_os = "linux")]
#[test]
fn a_port_below_1024_is_refused_with_what_to_do() -> Result<()> {
    use std::os::unix::process::CommandExt;
    let first_free = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start")?;
    if first_free.trim().parse::<u16>()? <= 80 {
        println!("not tested: this system gives every port to everybody");
        return Ok(());
    }
    let as_nobody = |command: &mut Command| {
        if rustix::process::getuid().is_root() {
            command.uid(65_534).gid(65_534);
        }
    };
    let advice = "choose a port from 1024 up, such as 8000";
    for chapter in CHAPTERS {
        let mut help = program(chapter)?;
        as_nobody(help.arg("--help"));
        if run(&mut help).is_err() {
            println!("not tested: a user without privileges cannot reach the program");
            return Ok(());
        }
        let mut server = program(chapter)?;
        as_nobody(server.args(["--listen", "127.0.0.1:80"]));
        let (code, _, errors) = run(&mut server)?;
        ensure!(code == Some(1), "{chapter} ended with {code:?}");
        let expected = format!("{chapter}: no permission to listen at 127.0.0.1:80: {advice}\n");
        ensure!(errors == expected, "{chapter} said {errors:?}");
    }
    Ok(())
}

/// A transcript is worth something because a script that is not true cannot be recorded.
#[test]
fn a_script_that_is_not_true_fails() -> Result<()> {
    let connected = || Script::new().client(1).connects().server_says("connection from client-1");
    for (script, expected) in [
        (
            connected().sends("x").server_says("b'y'"),
            "was to say \"b'y'\", but said \"I got data: b'x'!\"",
        ),
        (
            connected().sends("x\r\n").receives("x\r\n"),
            "the server said something else: \"I got data: b'x",
        ),
        (connected().has_received_nothing(), "that client-1 has received nothing is not proved"),
        (
            connected().sends("x\r\n").server_says("data").server_says("data").receives("y\r\n"),
            "received \"x\\r\\n\"",
        ),
        (connected().client(3).connects(), "the next client to connect is client-2"),
        (connected().server_wants(0), "Wants(0)"),
    ] {
        let mut server = example("chapter-02", "busy_poll")?;
        let recorded = record(server.args(["--listen", "127.0.0.1:0"]), None, &script, |_| {});
        let error = recorded.err().with_context(|| format!("this was recorded: {script:?}"))?;
        ensure!(format!("{error:#}").contains(expected), "{error:#}");
    }
    Ok(())
}

/// Runs a program to its end: its exit code, standard output and standard error.
fn run(command: &mut Command) -> Result<(Option<i32>, String, String)> {
    // A resolver that asks in vain must not use up the time.
    command.env("RES_OPTIONS", "timeout:1 attempts:1");
    let mut process = Process::spawn(command, Stdio::null())?;
    let status = within(PATIENCE * 2, "a command", || process.wait())?;
    Ok((status.code(), process.stdout().wait_for_end()?, process.stderr().wait_for_end()?))
}
