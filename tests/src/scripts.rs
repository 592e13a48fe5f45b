//! What the clients do in each scene.

use crate::script::Script;
use anyhow::{Context, Result, ensure};
use chapter_01::LINE_MAX;

pub(crate) fn accept_once() -> Script {
    let script = Script::new().client(1).connects().server_says("connection from client-1");
    script.server_ends(0).receives_end()
}

pub(crate) fn echo_one_client() -> Script {
    let script = Script::new().client(1).connects().server_says("connection from client-1");
    let script =
        script.sends("hello\r\n").server_says("b'he'").server_says("b'll'").server_says("b'o\\r'");
    let script = script.server_says("b'\\n'").server_says("All the data is: b'hello\\r\\n'");
    script.receives("Buffer: hello\r\n").server_ends(0).receives_end()
}

pub(crate) fn list_of_clients() -> Script {
    let script = Script::new().client(1).connects().server_says("connection from client-1");
    let script = script.sends("one\r\n").server_says("one").receives("one\r\n");
    // The server sleeps in accept: only a new client can wake it.
    let script = script.sends("two\r\n").has_received_nothing();
    let script = script.client(2).connects().server_says("connection from client-2");
    let script = script.server_says("two").client(1).receives("two\r\n");
    // The server sleeps in the new client's recv, and then in accept again.
    let script = script.client(1).sends("three\r\n");
    let script =
        script.client(2).sends("hello from client-2\r\n").server_says("hello from client-2");
    let script = script.receives("hello from client-2\r\n").client(1).has_received_nothing();
    // Now the server begins with the first client of its list.
    let script = script.client(3).connects().server_says("connection from client-3");
    script.server_says("three").client(1).receives("three\r\n")
}

pub(crate) fn line_by_line() -> Script {
    let script = Script::new().client(1).connects().server_says("client-1 connected");
    let script = script
        .sends("hello\r\n")
        .server_says("client-1 sent 7 bytes")
        .receives("Buffer: hello\r\n");
    let script = script.sends("a line in ").server_says("client-1 sent 10 bytes");
    let script = script.sends("two pieces\r\n").server_says("client-1 sent 12 bytes");
    let script = script.receives("Buffer: a line in two pieces\r\n");
    let script = script.sends("one\r\ntwo\r\n").server_says("client-1 sent 10 bytes");
    script.receives("Buffer: one\r\nBuffer: two\r\n").closes().server_says("client-1 closed")
}

pub(crate) fn stall() -> Script {
    let script = Script::new().client(1).connects().server_says("client-1 connected");
    let script =
        script.client(2).connects().sends("hello from client-2\r\n").has_received_nothing();
    let script = script.client(1).sends("here I am\r\n").server_says("client-1 sent 11 bytes");
    let script = script.receives("Buffer: here I am\r\n").client(2).has_received_nothing();
    let script = script.client(1).closes().server_says("client-1 closed");
    let script = script.server_says("client-2 connected").server_says("client-2 sent 21 bytes");
    script
        .client(2)
        .receives("Buffer: hello from client-2\r\n")
        .closes()
        .server_says("client-2 closed")
}

pub(crate) fn rude_clients() -> Script {
    let script = Script::new().client(1).connects().server_says("client-1 connected");
    let script = script
        .sends("hello")
        .server_says("client-1 sent 5 bytes")
        .resets()
        .server_says("client-1 lost");
    let script = script.client(2).connects().server_says("client-2 connected");
    let script = script.sends("half a li").server_says("client-2 sent 9 bytes");
    let script = script.closes().server_says("client-2 closed in mid-line");
    let script =
        script
            .client(3)
            .connects()
            .server_says("client-3 connected")
            .sends(vec![b'x'; LINE_MAX + 1]);
    let script =
        script.server_lines_left_out("client-3 sent").server_says("client-3 let go").receives_end();
    let script = script.client(4).connects().server_says("client-4 connected");
    let script = script.sends("still there?\r\n").server_says("client-4 sent 14 bytes");
    script.receives("Buffer: still there?\r\n").closes().server_says("client-4 closed")
}

pub(crate) fn dies_of_would_block() -> Script {
    Script::new().server_ends(1)
}

pub(crate) fn busy_poll() -> Script {
    let script = Script::new().client(1).connects().server_says("connection from client-1");
    let script = script.client(2).connects().server_says("connection from client-2");
    let script = script.client(1).sends("a line in ").server_says("a line in ");
    let script = script
        .client(2)
        .sends("hello\r\n")
        .server_says("I got data")
        .server_says("All the data is");
    let script = script.receives("hello\r\n").closes();
    let script = script
        .client(1)
        .sends("two pieces\r\n")
        .server_says("I got data")
        .server_says("All the data is");
    script.receives("a line in two pieces\r\n").closes()
}

pub(crate) fn no_stall() -> Script {
    let script = Script::new().client(1).connects().server_says("client-1 connected");
    let script = script.client(2).connects().server_says("client-2 connected");
    let script = script.sends("hello from client-2\r\n").server_says("client-2 sent 21 bytes");
    let script = script.receives("Buffer: hello from client-2\r\n");
    let script = script.client(1).sends("a line in ").server_says("client-1 sent 10 bytes");
    let script = script.client(2).sends("me again\r\n").server_says("client-2 sent 10 bytes");
    let script = script.receives("Buffer: me again\r\n").client(1).has_received_nothing();
    let script = script.sends("two pieces\r\n").server_says("client-1 sent 12 bytes");
    let script =
        script.receives("Buffer: a line in two pieces\r\n").closes().server_says("client-1 closed");
    script.client(2).closes().server_says("client-2 closed")
}

pub(crate) fn slow_reader() -> Script {
    let script = Script::new().client(1).connects().server_says("client-1 connected");
    let script = script.sends_until_stuck().server_lines_left_out("client-1 sent");
    let script = script.client(2).connects().server_says("client-2 connected");
    let script = script
        .sends("and me?\r\n")
        .server_says("client-2 sent 9 bytes")
        .receives("Buffer: and me?\r\n");
    script.client(1).receives_answers("Buffer: ").closes().server_says("client-1 closed")
}

pub(crate) fn cost() -> Script {
    let script = Script::new().client(1).connects().server_says("client-1 connected");
    script.server_wants(100).server_is_interrupted().server_says_as("in vain", polls).server_ends(0)
}

/// How often the server asks depends on the machine; that it asks often and in vain does not.
fn polls(line: &str) -> Result<String> {
    let numbers =
        line.strip_prefix("asked ").and_then(|rest| rest.strip_suffix(" of them in vain"));
    let (asked, in_vain) =
        numbers.and_then(|rest| rest.split_once(" times, ")).context(line.to_owned())?;
    let (asked, in_vain): (f64, f64) = (asked.parse()?, in_vain.parse()?);
    ensure!(
        asked > 1000.0 && in_vain <= asked && in_vain / asked > 0.99,
        "not so often, or not in vain: {line}"
    );
    Ok("asked [many] times, [nearly all] of them in vain".to_owned())
}

pub(crate) fn one_second() -> Script {
    const NO_EVENTS: &str = "No events, waiting a bit more!";
    let script = Script::new().server_may_say(NO_EVENTS).server_says(NO_EVENTS);
    let script = script.client(1).connects().server_says("connection from client-1");
    let script = script.client(2).connects().server_says("connection from client-2");
    let script = script.sends("hello\r\n").server_says("I got some data").receives("hello\r\n");
    let script =
        script.client(1).sends("me too\r\n").server_says("I got some data").receives("me too\r\n");
    // A closed client that stayed registered would be reported without end.
    script.closes().client(2).closes().server_says(NO_EVENTS)
}

/// A client sends ten bytes, which the server reads in three goes.
fn ten_bytes() -> Script {
    let script = Script::new().client(1).connects().server_says("connected: client-1");
    script.sends("0123456789").server_says("reported: READABLE").server_says("echoed: b'0123'")
}

/// There is a report for each go.
pub(crate) fn drained() -> Script {
    let script = ten_bytes().server_says("reported: READABLE").server_says("echoed: b'4567'");
    script.server_says("reported: READABLE").server_says("echoed: b'89'").receives("0123456789")
}

/// There is one report for the three goes.
pub(crate) fn drained_by_flag() -> Script {
    ten_bytes().server_says("echoed: b'4567'").server_says("echoed: b'89'").receives("0123456789")
}

/// There is one report, and one go.
pub(crate) fn not_drained() -> Script {
    let script = ten_bytes().receives("0123");
    let script = script.client(2).connects().server_says("connected: client-2");
    let script = script
        .sends("hi")
        .server_says("reported: READABLE")
        .server_says("echoed: b'hi'")
        .receives("hi");
    let script = script.client(1).has_received_nothing();
    // The next byte makes a new edge, which brings the oldest four that lie there.
    script
        .sends("!")
        .server_says("reported: READABLE")
        .server_says("echoed: b'4567'")
        .receives("4567")
}

pub(crate) fn selector() -> Script {
    let script = Script::new().client(1).connects().server_says("client-1 connected");
    let script = script.client(2).connects().server_says("client-2 connected");
    let script = script.sends("hello").server_says("client-2 sent 5 bytes").receives("hello");
    let script =
        script.client(1).sends("me too").server_says("client-1 sent 6 bytes").receives("me too");
    let script = script.sends("last words").finishes().server_says("client-1 sent 10 bytes");
    let script = script.server_says("client-1 closed").receives("last words").receives_end();
    let script = script.client(2).resets().server_says("client-2 lost");
    script.client(3).connects().server_says("client-3 connected").server_wants(0)
}

pub(crate) fn listen_for_connections() -> Script {
    let script = Script::new().client(1).connects().server_says("connection from client-1");
    let script = script.client(2).connects().server_says("connection from client-2");
    let script = script.sends("hello\r\n").receives("hello\r\n");
    let script = script.client(1).sends("me too\r\n").receives("me too\r\n");
    let script = script.sends("last words\r\n").finishes().receives("last words\r\n");
    script.receives_end().client(2).sends("still here\r\n").receives("still here\r\n").closes()
}

/// Two clients, of whom the first makes its task fail.
fn boom_beside_another() -> Script {
    let script = Script::new().client(1).connects().server_says("connection from client-1");
    let script = script.client(2).connects().server_says("connection from client-2");
    let script = script.client(1).sends("hello\r\n").receives("hello\r\n");
    script.sends("boom\r\n").receives_end()
}

pub(crate) fn boom() -> Script {
    let script = boom_beside_another().server_reports("Unexpected network error");
    let script = script.client(2).sends("still served\r\n").receives("still served\r\n");
    script.client(3).connects().server_says("connection from client-3").closes()
}

pub(crate) fn boom_where_awaited() -> Script {
    let script = boom_beside_another();
    let script = script.client(2).sends("still served\r\n").receives("still served\r\n");
    let script = script.server_is_interrupted().server_ends(1);
    script.receives_end()
}

/// The program connects and has its first message answered.
fn acknowledged() -> Script {
    let script = Script::new().client(1).starts().says("connected to");
    let script = script.server_says("connected to client: client-1");
    script.server_says("got from client-1: ack from client").says("got message")
}

pub(crate) fn got_message() -> Script {
    let script = acknowledged().is_given("hello world\n");
    let script = script.server_says("hello world").says("got message from server: got message");
    // Who types nothing keeps nobody waiting.
    let script = script.client(2).connects().server_says("connected to client: client-2");
    let script = script.sends("hi\r\n").server_says("hi").receives("got message\r\n");
    let script = script.closes().server_says("client-2 has left without quit");
    let script = script.client(1).is_given("quit\n").server_says("got from client-1: quit");
    script.ends(0)
}

pub(crate) fn end_of_input() -> Script {
    let script = acknowledged().is_given_the_end().ends(0);
    script.server_says("client-1 has left without quit")
}

pub(crate) fn server_leaves() -> Script {
    acknowledged().server_is_killed().ends(1)
}

/// What a client does badly is its own affair.
pub(crate) fn rude_beside_another() -> Script {
    let script = Script::new().client(1).connects().server_says("client-1 connected");
    let script = script.client(2).connects().server_says("client-2 connected");
    let script = script.sends("hello").server_says("client-2 sent 5 bytes").receives("hello");
    let script = script.resets().server_says("client-2 lost");
    let script = script.client(3).connects().server_says("client-3 connected").closes();
    let script = script.server_says("client-3 closed");
    let script = script.client(1).sends("and me?").server_says("client-1 sent 7 bytes");
    script.receives("and me?").closes().server_says("client-1 closed")
}

pub(crate) fn slow_reader_of_bytes() -> Script {
    let script = Script::new().client(1).connects().server_says("client-1 connected");
    let script = script.sends_until_stuck().server_lines_left_out("client-1 sent");
    let script = script.client(2).connects().server_says("client-2 connected");
    let script = script.sends("and me?").server_says("client-2 sent 7 bytes").receives("and me?");
    script.client(1).receives_answers("").closes().server_says("client-1 closed")
}

pub(crate) fn terminated() -> Script {
    let script = Script::new().client(1).connects().server_says("client-1 connected");
    let script = script.sends("hello").server_says("client-1 sent 5 bytes").receives("hello");
    let script = script.server_is_terminated().server_says("no more clients");
    let script = script.client(2).is_refused();
    let script = script.client(1).sends("one more thing").server_says("client-1 sent 14 bytes");
    let script = script.receives("one more thing").closes().server_says("client-1 closed");
    script.server_ends(0)
}

/// As `printf ... | nc` does it. What the server cannot send yet when the end of file comes, it
/// sends before it closes.
pub(crate) fn half_close() -> Script {
    let script = Script::new().client(1).connects().server_says("client-1 connected");
    let script = script.sends_until_stuck().server_lines_left_out("client-1 sent").finishes();
    let script = script.client(2).connects().server_says("client-2 connected");
    let script = script.sends("and me?").server_says("client-2 sent 7 bytes").receives("and me?");
    script.client(1).receives_what_was_sent().receives_end().server_says("client-1 closed")
}

/// The server has been told something, answers, and closes.
fn answered(script: Script, said: &str) -> Script {
    let script = script.server_says(&format!("Data received: {said}"));
    script.server_says(&format!("Send: {said}")).server_says("Close the client socket")
}

pub(crate) fn echo_protocol() -> Script {
    let script = Script::new().client(1).starts().says("connected to").says("Data sent: Hello");
    let script = answered(script.server_says("Connection from client-1"), "Hello World!");
    let script = script.says("Data received: Hello World!");
    let script = script.says("The server closed the connection").ends(0);
    // One who says nothing keeps nobody waiting.
    let script = script.client(2).connects().server_says("Connection from client-2");
    let script = script.client(3).connects().server_says("Connection from client-3");
    let script = answered(script.sends("me too"), "me too").receives("me too").receives_end();
    let script = script.client(2).resets();
    let script = script.client(4).connects().server_says("Connection from client-4");
    answered(script.sends("still there?"), "still there?").receives("still there?").receives_end()
}

/// The server has been told something by a client, sends it back, and closes.
fn sent_back(script: Script, client: usize, said: &str) -> Script {
    let script = script.server_says(&format!("Received '{said}' from client-{client}"));
    script.server_says(&format!("Send: '{said}'")).server_says("Close the connection")
}

pub(crate) fn tcp_echo() -> Script {
    let script = Script::new().client(1).starts().says("connected to").says("Send: 'Hello");
    let script = sent_back(script, 1, "Hello World!");
    let script = script.says("Received: 'Hello World!'").says("Close the connection").ends(0);
    // One who says nothing keeps nobody waiting.
    let script = script.client(2).connects().client(3).connects();
    let script = sent_back(script.sends("me too"), 3, "me too").receives("me too").receives_end();
    sent_back(script.client(2).closes(), 2, "")
}

pub(crate) fn lines_on_socket() -> Script {
    let script = Script::new().client(1).connects().server_says("connection from client-1");
    let script = script.client(2).connects().server_says("connection from client-2");
    let script = script.client(1).sends("a line in ");
    let script = script.client(2).sends("hello\r\n").receives("hello\r\n");
    let script = script.client(1).has_received_nothing().client(2).sends("me again\r\n");
    let script = script.receives("me again\r\n").client(1).sends("two pieces\r\nand another\r\n");
    let script = script.receives("a line in two pieces\r\nand another\r\n");
    script.sends("half a li").closes().server_says("client-1 has left, with 9 bytes of a line")
}

/// A client says its name, which is not taken, and is told who is there.
fn joins(script: Script, client: usize, name: &str, here: &str) -> Script {
    let script = script.client(client).connects().receives("* what is your name?\n");
    let script = script.sends(format!("{name}\n")).server_says(&format!("* {name} has joined"));
    script.receives(format!("* welcome, {name}; here: {here}\n"))
}

pub(crate) fn chat() -> Script {
    const DROPPED: &str = "* dave was dropped: it does not read\n";
    let script = joins(Script::new(), 1, "ann", "ann");
    // A name that is taken can be chosen anew.
    let script = script.client(2).connects().receives("* what is your name?\n").sends("ann\n");
    let script = script.receives("* ann is taken: choose another name\n");
    let script = script.sends("bob\n").server_says("* bob has joined");
    let script = script.receives("* welcome, bob; here: ann, bob\n").sends("hello\n");
    let script = script.client(1).receives("* bob has joined\n").receives("bob: hello\n");
    // What is too long is refused, and who has said it stays.
    let script = script.client(2).sends([vec![b'x'; 2000], b"\n".to_vec()].concat());
    let script = script.receives("* too long: 1024 bytes at most\n");
    let script = script.sends("in short: hello\n").client(1).receives("bob: in short: hello\n");
    let script = joins(script, 3, "dave", "ann, bob, dave");
    let script = script.client(1).receives("* dave has joined\n").client(2);
    let script = script.receives("* dave has joined\n").client(1).sends("@dave are you there?\n");
    let script = script.client(3).receives("ann to you: are you there?\n");
    // From here on dave reads nothing.
    let script = script.client(1).talks_to(2, "ann: ", DROPPED).server_says("* dave was dropped");
    let script = script.receives(DROPPED);
    // The name is free again.
    let script = joins(script, 4, "dave", "ann, bob, dave").sends("sorry\n");
    let script = script.client(1).receives("* dave has joined\n").receives("dave: sorry\n");
    let script = script.client(2).receives("* dave has joined\n").receives("dave: sorry\n");
    let script = script.closes().server_says("* bob has left");
    let script = script.client(1).receives("* bob has left\n").client(4);
    let script = script.receives("* bob has left\n").server_is_terminated();
    let script = script.receives("* the chat is over\n").receives_end().client(1);
    script.receives("* the chat is over\n").receives_end().server_ends(0)
}
