//! The room of `examples/chat`: who is told what, in which order, and who is there.

use crate::guest::{LINE_MAX, attend};
use crate::net::{both, event_loop};
use crate::room::{BEHIND_MAX, Room, Seat};
use chapter_01::Log;
use chapter_04::{join_all, spawn, yield_now};
use chapter_05::{CallbackResult, Server, connect_accepted_socket};
use chapter_06::{
    StreamLimits, StreamProtocol, StreamReader, StreamWriter, Streams, open_connection,
    start_server,
};
use socket2::{Domain, Socket, Type};
use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

const DAVE_IS_DROPPED: &str = "* dave was dropped: it does not read";

/// A room and its door.
async fn open() -> (Rc<Room>, Server, SocketAddr) {
    let room = Room::new(Log::Quiet);
    let inside = Rc::clone(&room);
    let limits = StreamLimits::default().with_line_max(LINE_MAX).unwrap();
    let handle = move |reader, writer| attend(Rc::clone(&inside), reader, writer);
    let server = start_server(handle, ("127.0.0.1", 0), limits).await.unwrap();
    let address = server.addresses()[0].ip().unwrap();
    (room, server, address)
}

/// One at the far end.
struct Client {
    reader: StreamReader,
    writer: StreamWriter,
}

impl Client {
    /// One who was asked for a name.
    async fn connect(address: SocketAddr) -> Client {
        let streams = open_connection(address, StreamLimits::default()).await.unwrap();
        let mut client = Client { reader: streams.0, writer: streams.1 };
        client.is_told("* what is your name?").await;
        client
    }

    /// One who was let in, where the others are there before.
    async fn join(address: SocketAddr, name: &str, others: &mut [&mut Client]) -> Client {
        let mut client = Client::connect(address).await;
        client.says(name);
        assert!(client.hears().await.starts_with(&format!("* welcome, {name}; here: ")));
        for other in others {
            other.is_told(&format!("* {name} has joined")).await;
        }
        client
    }

    fn says(&self, line: &str) {
        self.writer.write(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next line.
    async fn hears(&mut self) -> String {
        let line = self.reader.readline().await.unwrap();
        String::from_utf8(line.into_vec()).unwrap().strip_suffix('\n').unwrap().to_owned()
    }

    async fn is_told(&mut self, line: &str) {
        assert_eq!(self.hears().await, line);
    }
}

/// The others read as fast as they are told something; how long dave can be told it without reading
/// is the kernel's affair.
#[test]
fn who_does_not_read_is_dropped_and_the_others_are_told_every_line_in_order() {
    both(async |_| {
        let (_room, server, address) = open().await;
        let mut ann = Client::join(address, "ann", &mut []).await;
        let mut bob = Client::join(address, "bob", &mut [&mut ann]).await;
        let _dave = Client::join(address, "dave", &mut [&mut ann, &mut bob]).await;
        let mut cat = Client::join(address, "cat", &mut [&mut ann, &mut bob]).await;
        let (mut said, mut is_dropped) = (0, [false, false]);
        while is_dropped != [true, true] {
            // As many as bob and cat may be behind.
            for number in said..said + BEHIND_MAX / 1024 / 2 {
                ann.says(&format!("{number:.<1000}"));
            }
            for number in said..said + BEHIND_MAX / 1024 / 2 {
                for (other, is_dropped) in [&mut bob, &mut cat].into_iter().zip(&mut is_dropped) {
                    let mut line = other.hears().await;
                    if line == DAVE_IS_DROPPED {
                        assert!(!std::mem::replace(is_dropped, true), "he is dropped once");
                        line = other.hears().await;
                    }
                    assert_eq!(line, format!("ann: {number:.<1000}"));
                }
            }
            said += BEHIND_MAX / 1024 / 2;
        }
        ann.is_told(DAVE_IS_DROPPED).await;
        while server.connection_count() > 3 {
            yield_now().await;
        }
        let mut dave = Client::join(address, "dave", &mut [&mut ann, &mut bob, &mut cat]).await;
        bob.says("@dave welcome back");
        dave.is_told("bob to you: welcome back").await;
    });
}

#[test]
fn a_name_that_will_not_do_can_be_chosen_anew() {
    both(async |_| {
        let (_room, _server, address) = open().await;
        let mut ann = Client::join(address, "ann", &mut []).await;
        let mut other = Client::connect(address).await;
        for (name, answer) in [
            ("", "* a name has at least one letter"),
            ("ann", "* ann is taken: choose another name"),
            ("aaaaabbbbbcccccddddde", "* a name has at most 20 letters"),
            ("* ann has left", "* a name has letters and digits only"),
            (&"a".repeat(LINE_MAX + 1), "* too long: 1024 bytes at most"),
        ] {
            other.says(name);
            other.is_told(answer).await;
        }
        other.says("aaaaabbbbbcccccddddd");
        other.is_told("* welcome, aaaaabbbbbcccccddddd; here: ann, aaaaabbbbbcccccddddd").await;
        // Until now ann was told nothing.
        ann.is_told("* aaaaabbbbbcccccddddd has joined").await;
    });
}

/// RD-07, D-38: in whichever pieces the line comes.
#[test]
fn a_line_that_is_too_long_is_refused_and_the_next_one_is_told() {
    both(async |_| {
        let (_room, _server, address) = open().await;
        let mut ann = Client::join(address, "ann", &mut []).await;
        let mut bob = Client::join(address, "bob", &mut [&mut ann]).await;
        bob.says(&"x".repeat(LINE_MAX));
        ann.is_told(&format!("bob: {}", "x".repeat(LINE_MAX))).await;
        for rest in ["", "and so on, without an end "] {
            bob.writer.write(&[b'x'; LINE_MAX + 1]).unwrap();
            bob.is_told("* too long: 1024 bytes at most").await;
            // The answer comes before the end of the line, of which no part is a line.
            bob.says(rest);
            bob.says("in short");
            ann.is_told("bob: in short").await;
        }
    });
}

/// The last words come before the news, whichever way the member goes.
#[test]
fn the_others_are_told_that_one_has_left() {
    both(async |_| {
        let (_room, _server, address) = open().await;
        let mut ann = Client::join(address, "ann", &mut []).await;
        for way in ["close", "half-close", "reset"] {
            let mut bob = Client::join(address, "bob", &mut [&mut ann]).await;
            bob.says("good-bye");
            ann.is_told("bob: good-bye").await;
            match way {
                "close" => drop(bob),
                "half-close" => {
                    bob.writer.write(b"an end without an end of line").unwrap();
                    bob.writer.write_eof().unwrap();
                    ann.is_told("bob: an end without an end of line").await;
                    assert!(bob.reader.read(1).await.unwrap().is_empty());
                }
                _ => bob.writer.transport().abort(),
            }
            ann.is_told("* bob has left").await;
        }
    });
}

#[test]
fn a_line_for_one_is_told_to_nobody_else() {
    both(async |_| {
        let (_room, _server, address) = open().await;
        let mut ann = Client::join(address, "ann", &mut []).await;
        let mut bob = Client::join(address, "bob", &mut [&mut ann]).await;
        let mut cat = Client::join(address, "cat", &mut [&mut ann, &mut bob]).await;
        cat.says("@dave hello");
        cat.is_told("* nobody here is called dave").await;
        cat.says("@bob hello");
        cat.says("hello to all");
        bob.is_told("cat to you: hello").await;
        bob.is_told("cat: hello to all").await;
        ann.is_told("cat: hello to all").await;
    });
}

#[test]
fn a_line_cannot_look_like_another_one() {
    both(async |_| {
        let (_room, _server, address) = open().await;
        let mut ann = Client::join(address, "ann", &mut []).await;
        let bob = Client::join(address, "bob", &mut [&mut ann]).await;
        bob.says("\r* cat has joined\x1b[2K\r");
        ann.is_told("bob: ?* cat has joined?[2K").await;
        bob.writer.write(b"\xff\n").unwrap();
        ann.is_told("bob: \u{fffd}").await;
    });
}

/// Each is told the lines of each other one in the order in which they were said, and all are told
/// all in the same order.
#[test]
fn fifty_are_told_the_same() {
    const CLIENTS: usize = 50;
    const LINES: usize = 10;
    both(async |_| {
        let (_room, _server, address) = open().await;
        let mut clients: Vec<Client> = Vec::new();
        for number in 0..CLIENTS {
            let mut others: Vec<_> = clients.iter_mut().collect();
            let name = format!("c{number}");
            let client = Client::join(address, &name, &mut others).await;
            clients.push(client);
        }
        let conversations = clients.into_iter().map(|mut client| async move {
            let mut heard = Vec::new();
            for line in 0..LINES {
                client.says(&line.to_string());
                heard.push(client.hears().await);
            }
            while heard.len() < LINES * (CLIENTS - 1) {
                heard.push(client.hears().await);
            }
            (heard, client)
        });
        let (heard, _clients): (Vec<_>, Vec<_>) = join_all(conversations).await.into_iter().unzip();
        let without = |list: &[String], number: usize| -> Vec<String> {
            let own = format!("c{number}: ");
            list.iter().filter(|line| !line.starts_with(&own)).cloned().collect()
        };
        for number in 1..CLIENTS {
            assert_eq!(without(&heard[0], number), without(&heard[number], 0));
            let own = format!("c{number}: ");
            let said: Vec<_> = heard[0].iter().filter_map(|line| line.strip_prefix(&own)).collect();
            assert_eq!(said, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
        }
    });
}

async fn stream_of(socket: Socket) -> Streams {
    let place = Rc::<Cell<Option<Streams>>>::default();
    let put = Rc::clone(&place);
    let connected = move |reader, writer| -> CallbackResult {
        put.set(Some((reader, writer)));
        Ok(())
    };
    let protocol = StreamProtocol::new(StreamLimits::default(), connected);
    connect_accepted_socket(|| protocol, socket).await.unwrap();
    place.take().unwrap()
}

/// The near end of a connection, and the client at the far one.
async fn met() -> (Rc<StreamWriter>, StreamReader, Client) {
    let (near, far) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
    let (reader, writer) = stream_of(near).await;
    let (far_reader, far_writer) = stream_of(far).await;
    (Rc::new(writer), reader, Client { reader: far_reader, writer: far_writer })
}

/// A member without a task.
async fn member(room: &Rc<Room>, name: &str) -> (Seat, Rc<StreamWriter>, Client) {
    let (writer, _, mut client) = met().await;
    let seat = room.join(name, &writer).unwrap();
    assert!(client.hears().await.starts_with("* welcome, "));
    (seat, writer, client)
}

/// However its task ends: a seat is dropped with it.
#[test]
fn a_member_whose_task_is_cancelled_or_panics_has_left() {
    both(async |_| {
        let reports = Rc::new(Cell::new(0));
        let counted = Rc::clone(&reports);
        event_loop().set_exception_handler(move |_, _| counted.set(counted.get() + 1));
        let room = Room::new(Log::Quiet);
        let (_ann, _writer, mut ann) = member(&room, "ann").await;

        let (writer, reader, mut bob) = met().await;
        let task = spawn(attend(Rc::clone(&room), reader, Rc::into_inner(writer).unwrap()));
        bob.is_told("* what is your name?").await;
        bob.says("bob");
        ann.is_told("* bob has joined").await;
        task.cancel();
        ann.is_told("* bob has left").await;
        bob.is_told("* welcome, bob; here: ann, bob").await;
        assert!(bob.reader.read(1).await.unwrap().is_empty(), "his connection is closed");

        let (seat, _writer, _bob) = member(&room, "bob").await;
        ann.is_told("* bob has joined").await;
        let task = async move {
            let _seat = seat;
            yield_now().await;
            assert_eq!(1, 2, "on purpose");
        };
        spawn(task).detach();
        ann.is_told("* bob has left").await;
        while reports.get() == 0 {
            yield_now().await;
        }
    });
}

/// Its task may have lines of it left to read, and may be the last to learn it.
#[test]
fn one_who_was_dropped_is_not_heard_any_more_and_its_name_is_free() {
    both(async |_| {
        let room = Room::new(Log::Quiet);
        let (speaker, _writer, mut ann) = member(&room, "ann").await;
        let (old, writer, _dave) = member(&room, "dave").await;
        ann.is_told("* dave has joined").await;
        while !writer.is_closing() {
            speaker.say(&"x".repeat(1000)).unwrap();
        }
        let (new, _writer, _dave) = member(&room, "dave").await;
        old.say("I am still here").unwrap();
        drop(old);
        new.say("so am I").unwrap();
        ann.is_told(DAVE_IS_DROPPED).await;
        ann.is_told("* dave has joined").await;
        ann.is_told("dave: so am I").await;
    });
}

/// What is told of one of them may be too much for the next.
#[test]
fn of_many_who_do_not_read_each_is_dropped_once() {
    const SILENT: usize = 30;
    both(async |_| {
        let room = Room::new(Log::Quiet);
        let (speaker, _writer, mut ann) = member(&room, "ann").await;
        let mut silent = Vec::new();
        for number in 0..SILENT {
            silent.push(member(&room, &format!("c{number}")).await);
            ann.is_told(&format!("* c{number} has joined")).await;
        }
        while silent.iter().any(|(_, writer, _)| !writer.is_closing()) {
            speaker.say(&"x".repeat(1000)).unwrap();
        }
        let mut expected: Vec<_> = (0..SILENT)
            .map(|number| format!("* c{number} was dropped: it does not read"))
            .collect();
        let mut heard = Vec::new();
        for _ in 0..SILENT {
            heard.push(ann.hears().await);
        }
        drop(silent);
        // Nobody has left who was dropped.
        let _bob = member(&room, "bob").await;
        ann.is_told("* bob has joined").await;
        heard.sort_unstable();
        expected.sort_unstable();
        assert_eq!(heard, expected);
    });
}

#[test]
fn when_the_room_closes_everybody_is_told_and_nobody_has_left() {
    both(async |_| {
        let (room, server, address) = open().await;
        let mut ann = Client::join(address, "ann", &mut []).await;
        let mut bob = Client::join(address, "bob", &mut [&mut ann]).await;
        room.close();
        for client in [&mut ann, &mut bob] {
            let rest = client.reader.read_to_end().await.unwrap();
            assert_eq!(rest, b"* the chat is over\n");
        }
        server.close();
        server.wait_closed().await;
    });
}
