//! The life of a connection: made, reading, writing, closed, lost.

use crate::cancel::{Moment, dropped_at, moments};
use crate::meet::{meet, pattern, receive_all, tcp, unix};
use crate::net::{both, event_loop, passes, register};
use crate::scene::{NONE, NOTHING, READABLE, Scene, WRITABLE};
use crate::watch::reports;
use crate::witness::{Story, Told, Witness};
use chapter_03::fake::Call as Asked;
use chapter_03::{Interest, Mode};
use chapter_04::EventLoop;
use chapter_05::fake::{Call, FakeStream, connect};
use chapter_05::{Transport, WriteError, connect_accepted_socket};
use socket2::{Domain, SockRef, Socket, Type};
use std::cell::Cell;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::rc::Rc;
use std::time::Duration;

/// TR-01, TR-02 and TR-04: also where the kernel has bytes already, the order is factory,
/// connection_made, creator, data.
#[test]
fn a_connection_is_made_then_its_creator_goes_on_then_data_comes() {
    both(|_| async {
        for (near, mut far) in [tcp(), unix()] {
            far.write_all(b"early").unwrap();
            let story = Story::default();
            let factory = || {
                story.add("factory");
                Witness::new(&story)
            };
            let (transport, _) = connect_accepted_socket(factory, near).await.unwrap();
            story.add("creator");
            assert!(transport.is_reading() && !transport.is_closing());
            story.until("data").await;
            assert_eq!(story.lines(), ["factory", "made", "creator", "data early"]);
            transport.close();
            story.until("lost").await;
        }
    });
}

/// TR-05 (D-05): whoever makes a socket need not name its protocol, so what it says of that does not
/// count. A Unix socket has no such option.
#[test]
fn d_05_a_socket_that_was_made_with_protocol_0_does_not_wait_to_send() {
    both(|_| async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        near.connect(&listener.local_addr().unwrap().into()).unwrap();
        assert!(!near.tcp_nodelay().unwrap());
        let story = Story::default();
        let (transport, _) = connect_accepted_socket(|| Witness::new(&story), near).await.unwrap();
        let is_set = |transport: &Rc<dyn Transport>| {
            let mut is_set = None;
            transport.with_descriptor(&mut |descriptor| {
                is_set = SockRef::from(&descriptor).tcp_nodelay().ok();
            });
            is_set
        };
        assert_eq!(is_set(&transport), Some(true));
        let (near, _far) = unix();
        let (other, _) = connect_accepted_socket(|| Witness::new(&story), near).await.unwrap();
        assert_eq!(is_set(&other), None);
        transport.abort();
        other.abort();
        passes(3).await;
    });
}

/// TR-06: whoever has sent much does not keep the others waiting. 256 KiB are one receive, and the
/// next one comes after everybody else's.
#[test]
fn a_connection_receives_once_and_then_it_is_the_turn_of_the_others() {
    const MOST: usize = 256 * 1024;
    let story = Story::default();
    let much = FakeStream::new().receives([Ok(vec![b'x'; 2 * MOST + 50])]);
    let mut scene = Scene::begun(much, Witness::new(&story));
    let little = FakeStream::new().receives([Ok("a"), Ok("b")]);
    let (other, _) = connect(&scene.fake, little, Witness::new(&story)).unwrap();
    scene.pass(NONE);
    scene.pass(NONE);
    story.take();
    for _ in 0..2 {
        scene.fake.backend.report([(0, READABLE), (1, READABLE)]);
        scene.fake.event_loop.stop();
        scene.fake.event_loop.run_forever().unwrap();
    }
    scene.pass(NONE);
    let much = format!("data of {MOST}");
    assert_eq!(story.take(), [&much, "data a", &much, "data b", "data of 50"]);
    other.abort();
}

/// TR-07, TR-10: a report without cause is nothing; also where the answer comes late.
#[test]
fn a_spurious_report_calls_nobody() {
    let story = Story::default();
    let stream = FakeStream::new().receives([Err(ErrorKind::WouldBlock), Ok("late")]);
    let mut scene = Scene::begun(stream, Witness::new(&story));
    scene.pass(READABLE);
    assert_eq!(story.take(), ["made"]);
    scene.pass(READABLE);
    scene.pass(READABLE);
    assert_eq!(story.take(), ["data late"]);
}

/// TR-16: sent before `write` returns; what the kernel does not take is kept, and only then, and
/// only until it is sent, does the kernel have to say when there is room.
#[test]
fn a_write_is_sent_at_once_and_what_is_left_when_there_is_room() {
    let story = Story::default();
    let stream = FakeStream::new().takes([Ok(Some(5)), Ok(Some(2))]);
    let mut scene = Scene::over(Mode::Level, stream, Witness::new(&story));
    scene.pass(NONE);
    scene.pass(NONE);
    scene.fake.backend.take_calls();
    scene.transport.write(b"whole").unwrap();
    assert_eq!((scene.stream.sent(), scene.transport.write_buffer_size()), (b"whole".to_vec(), 0));
    assert_eq!(scene.fake.backend.take_calls(), []);
    scene.transport.write(b"in parts").unwrap();
    assert_eq!(
        (scene.stream.sent(), scene.transport.write_buffer_size()),
        (b"wholein".to_vec(), 6)
    );
    assert_eq!(scene.fake.backend.take_calls(), [Asked::Modify(0, Interest::BOTH)]);
    scene.pass(WRITABLE);
    assert_eq!(scene.stream.sent(), b"wholein parts");
    // A level is ended by its next report, if it is not wanted again by then.
    scene.pass(WRITABLE);
    assert!(scene.fake.backend.take_calls().contains(&Asked::Modify(0, Interest::READ)));
}

/// TR-17: no bytes are no call; after `write_eof` even they are a mistake, of which the caller is
/// told. What is no bytes does not compile.
#[test]
fn a_write_of_nothing_does_nothing_and_after_write_eof_it_is_refused() {
    let story = Story::default();
    let scene = Scene::begun(FakeStream::new(), Witness::new(&story));
    scene.transport.write(b"").unwrap();
    scene.transport.writelines(&[]).unwrap();
    scene.transport.writelines(&[b"", b""]).unwrap();
    assert_eq!(scene.stream.calls(), []);
    scene.transport.write_eof().unwrap();
    assert_eq!(scene.transport.write(b""), Err(WriteError::AfterEof));
    assert_eq!(scene.transport.writelines(&[b"x"]), Err(WriteError::AfterEof));
    assert_eq!(scene.stream.calls(), [Call::ShutdownWrite]);
}

/// TR-18 and TR-24: through the kernel, in parts, in whichever call: the bytes come in the order in
/// which they were written.
#[test]
fn bytes_come_in_the_order_of_the_writes() {
    both(|_| async {
        let bytes = pattern(9_000_000);
        let story = Story::default();
        let ((transport, _), far) = meet(Witness::new(&story)).await;
        let mut rest = &bytes[..];
        for length in (1..).map(|n: usize| n * n * 37 % 70_001 + 1) {
            let (now, later) = rest.split_at(length.min(rest.len()));
            match length % 3 {
                0 => transport.write(now).unwrap(),
                _ => transport.writelines(&now.chunks(length / 3 + 1).collect::<Vec<_>>()).unwrap(),
            }
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        assert!(transport.write_buffer_size() > 0, "the kernel has not taken all at once");
        transport.close();
        assert!(receive_all(&far).await == bytes);
        story.until("lost").await;
    });
}

/// D-10 (TR-24): `writelines` keeps to the marks as `write` does, and after `close` it is refused or
/// sent like that.
#[test]
fn d_10_writelines_pauses_the_protocol() {
    let story = Story::default();
    let stream = FakeStream::new().takes([Ok(None)]);
    let mut scene = Scene::begun(stream, Witness::new(&story));
    scene.transport.writelines(&[&[0; 40_000], &[0; 40_000]]).unwrap();
    assert_eq!(story.take(), ["made", "pause at 80000"]);
    scene.transport.close();
    scene.transport.writelines(&[b"one", b"more"]).unwrap();
    scene.pass(WRITABLE);
    assert_eq!(story.take(), ["resume at 0", "lost"]);
    assert_eq!(scene.stream.sent().len(), 80_007);
    assert_eq!(scene.transport.writelines(&[b"x"]), Err(WriteError::Closed));
}

/// D-11 (TR-24): an empty piece, wherever it stands, keeps nothing from its end.
#[test]
fn d_11_an_empty_piece_does_not_keep_a_connection_from_closing() {
    for pieces in [[&b""[..], b"a", b"b"], [b"a", b"", b"b"], [b"a", b"b", b""]] {
        for takes in [vec![], vec![Ok(None)], vec![Ok(Some(1)), Ok(None), Ok(Some(1))]] {
            let story = Story::default();
            let stream = FakeStream::new().takes(takes);
            let mut scene = Scene::begun(stream, Witness::new(&story));
            scene.transport.writelines(&pieces).unwrap();
            scene.transport.close();
            (0..4).for_each(|_| scene.pass(WRITABLE));
            assert_eq!(
                (scene.stream.sent(), story.take()),
                (b"ab".to_vec(), vec!["made".into(), "lost".into()])
            );
        }
    }
}

/// TR-19: asyncio drops it silently, and logs a warning from the fifth time on; here the caller is
/// told each time, and nobody else.
#[test]
fn a_write_to_a_connection_that_is_gone_is_refused() {
    let story = Story::default();
    let mut scene = Scene::begun(FakeStream::new(), Witness::new(&story));
    let reports = reports(&scene.fake.event_loop);
    scene.transport.close();
    assert_eq!(scene.transport.write(b"x"), Err(WriteError::Closed));
    scene.rest();
    for _ in 0..9 {
        assert_eq!(scene.transport.write(b"x"), Err(WriteError::Closed));
        assert_eq!(scene.transport.writelines(&[b"x", b"y"]), Err(WriteError::Closed));
    }
    assert_eq!((scene.stream.calls(), reports.borrow().len()), (vec![], 0));
}

/// TR-20.
#[test]
fn what_is_written_behind_close_while_bytes_wait_is_sent() {
    let story = Story::default();
    let stream = FakeStream::new().takes([Ok(Some(1))]);
    let mut scene = Scene::begun(stream, Witness::new(&story));
    scene.transport.write(b"before").unwrap();
    scene.transport.close();
    scene.transport.write(b", behind").unwrap();
    scene.pass(WRITABLE);
    assert_eq!(scene.stream.sent(), b"before, behind");
    assert_eq!(story.take(), ["made", "lost"]);
}

/// TR-21: one call takes 1,024 pieces at most, in a `writelines` and in a flush; what is left goes on
/// at the right byte.
#[test]
fn more_pieces_than_one_call_takes_are_sent_in_several() {
    let pieces: Vec<Vec<u8>> =
        (0..2500).map(|piece: usize| piece.to_le_bytes()[..2].to_vec()).collect();
    let whole = pieces.concat();
    let borrowed: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
    let story = Story::default();
    let stream = FakeStream::new().takes([Ok(Some(usize::MAX)), Ok(Some(3))]);
    let mut scene = Scene::begun(stream, Witness::new(&story));
    scene.transport.writelines(&borrowed).unwrap();
    assert_eq!(scene.stream.calls(), [Call::SendVectored(vec![2; 1024])]);
    // Nobody reports room: the kernel has always had it.
    scene.pass(NONE);
    scene.pass(WRITABLE);
    assert!(scene.stream.sent() == whole);

    let megabytes = pattern(1100 * 64 * 1024);
    let stream = FakeStream::new().takes([Ok(None), Ok(Some(64 * 1024 + 1)), Ok(None)]);
    let mut scene = Scene::begun(stream, Witness::new(&story));
    scene.transport.write(&megabytes).unwrap();
    (0..4).for_each(|_| scene.pass(WRITABLE));
    scene.rest();
    assert!(scene.stream.sent() == megabytes);
    let counts: Vec<usize> = scene
        .stream
        .calls()
        .iter()
        .map(|call| match call {
            Call::SendVectored(lengths) => lengths.len(),
            _ => 1,
        })
        .collect();
    assert_eq!(counts, [1, 1024, 1024, 1024, 75]);
}

/// TR-21 over the real kernel: vectored sends of many pieces that it takes in parts.
#[test]
fn thousands_of_pieces_arrive_whole() {
    both(|_| async {
        for (near, far) in [tcp(), unix()] {
            let far = register(far);
            let bytes = pattern(4_000_000);
            let pieces: Vec<&[u8]> = bytes.chunks(777).collect();
            assert!(pieces.len() > 4 * 1024);
            let story = Story::default();
            let (transport, _) =
                connect_accepted_socket(|| Witness::new(&story), near).await.unwrap();
            transport.writelines(&pieces).unwrap();
            transport.close();
            assert!(receive_all(&far).await == bytes);
        }
    });
}

/// D-08 (TR-22): "not yet" in the middle of a flush loses nothing, whichever send says it.
#[test]
fn d_08_not_yet_in_a_flush_loses_nothing() {
    for not_yet in 0..8 {
        let story = Story::default();
        let mut takes = vec![Ok(Some(1)); 8];
        takes.insert(not_yet, Ok(None));
        let mut scene = Scene::begun(FakeStream::new().takes(takes), Witness::new(&story));
        scene.transport.write(b"plain ").unwrap();
        scene.transport.writelines(&[b"in ", b"pieces"]).unwrap();
        (0..10).for_each(|_| scene.pass(WRITABLE));
        assert_eq!(scene.stream.sent(), b"plain in pieces");
    }
}

/// D-09 (TR-23): the bytes are the caller's again when `write` returns, and may be changed.
#[test]
fn d_09_a_buffer_may_be_changed_behind_a_write() {
    let story = Story::default();
    let stream = FakeStream::new().takes([Ok(Some(1)), Ok(None)]);
    let mut scene = Scene::begun(stream, Witness::new(&story));
    let mut buffer = *b"AAAA";
    scene.transport.write(&buffer).unwrap();
    buffer.fill(b'B');
    scene.transport.write(&buffer).unwrap();
    buffer.fill(b'C');
    scene.pass(WRITABLE);
    scene.pass(WRITABLE);
    assert_eq!((scene.stream.sent(), buffer), (b"AAAABBBB".to_vec(), *b"CCCC"));
}

/// TR-26: with nothing kept, `connection_lost` is queued; with something it waits for that. Nothing
/// is received any more, and a second `close` does nothing.
#[test]
fn a_closing_transport_writes_but_does_not_read() {
    let story = Story::default();
    let stream = FakeStream::new().receives([Ok("late")]).takes([Ok(None), Ok(Some(2))]);
    let mut scene = Scene::begun(stream, Witness::new(&story));
    scene.transport.write(b"kept").unwrap();
    scene.transport.close();
    assert!(scene.transport.is_closing() && !scene.transport.is_reading());
    scene.transport.close();
    scene.pass(READABLE | WRITABLE);
    assert_eq!((story.take(), scene.transport.write_buffer_size()), (vec!["made".into()], 2));
    scene.transport.close();
    scene.pass(READABLE | WRITABLE);
    scene.rest();
    assert_eq!((story.take(), scene.stream.sent()), (vec!["lost".into()], b"kept".to_vec()));
    assert_eq!(scene.stream.left_to_receive(), 4);
    assert_eq!(scene.fake.event_loop.census(), NOTHING);

    let mut scene = Scene::begun(FakeStream::new(), Witness::new(&story));
    scene.transport.close();
    assert_eq!(story.take(), ["made"], "it is not called inside of close");
    scene.pass(NONE);
    assert_eq!(story.take(), ["lost"]);
}

/// TR-26 over the real kernel: a peer that reads late gets megabytes to the last byte, then the end.
#[test]
fn a_closed_connection_sends_everything_first() {
    both(|_| async {
        let bytes = pattern(6_000_000);
        let story = Story::default();
        let ((transport, _), far) = meet(Witness::new(&story)).await;
        transport.write(&bytes).unwrap();
        transport.close();
        passes(5).await;
        assert!(story.lines().iter().all(|line| !line.starts_with("lost")));
        assert!(receive_all(&far).await == bytes);
        story.until("lost").await;
        assert_eq!(story.lines().last().unwrap(), "lost");
        assert_eq!(event_loop().census().sources, 1, "the far end alone");
    });
}

/// D-12 (TR-27, TR-32): a flush that ends a closing connection calls `connection_lost` itself, after
/// `resume_writing`. What that does there, and what comes afterwards, does not end it twice.
#[test]
fn d_12_a_resume_that_closes_ends_the_connection_once() {
    let ends: [fn(&Rc<dyn Transport>); 3] =
        [|transport| transport.close(), |transport| transport.abort(), |_| ()];
    for in_resume in ends {
        for before in ends {
            let story = Story::default();
            let witness = Witness::new(&story).acts(move |told, transport| {
                if told == Told::Resume {
                    in_resume(transport);
                }
                Ok(())
            });
            let mut scene = Scene::begun(FakeStream::new().takes([Ok(None)]), witness);
            let reports = reports(&scene.fake.event_loop);
            scene.transport.write(&[0; 70_000]).unwrap();
            before(&scene.transport);
            scene.pass(WRITABLE);
            scene.transport.close();
            scene.rest();
            scene.transport.abort();
            scene.rest();
            let told = story.take();
            assert_eq!(told.iter().filter(|line| line.starts_with("lost")).count(), 1, "{told:?}");
            assert_eq!(told.last().unwrap(), "lost");
            assert_eq!((reports.borrow().len(), scene.fake.event_loop.census()), (0, NOTHING));
        }
    }
}

/// TR-28: a plain `close` waits for the peer for ever; whoever does not want that aborts.
#[test]
fn a_peer_that_never_reads_keeps_a_closed_connection_until_it_is_aborted() {
    both(|_| async {
        let story = Story::default();
        let ((transport, _), _far) = meet(Witness::new(&story)).await;
        transport.write(&vec![0; 8_000_000]).unwrap();
        transport.close();
        passes(50).await;
        assert_eq!(event_loop().census().sources, 2);
        assert!(transport.write_buffer_size() > 0);
        transport.abort();
        assert_eq!(transport.write_buffer_size(), 0);
        story.until("lost").await;
        assert_eq!(story.lines().last().unwrap(), "lost");
        assert_eq!(event_loop().census().sources, 1);
    });
}

const GRACE: Duration = Duration::from_secs(30);

/// A connection of which bytes are kept, closed with a time limit.
fn closed_within(takes: &[Option<usize>]) -> (Scene<Witness>, Story) {
    let story = Story::default();
    let stream = FakeStream::new().takes(takes.iter().copied().map(Ok));
    let scene = Scene::begun(stream, Witness::new(&story));
    scene.transport.write(b"kept").unwrap();
    scene.transport.close_within(GRACE);
    (scene, story)
}

/// D-13 (TR-28): in time, it is a close like any other, and nothing is left of the timer.
#[test]
fn d_13_a_close_in_time_leaves_no_timer() {
    let (mut scene, story) = closed_within(&[Some(1), Some(1)]);
    assert_eq!(scene.fake.event_loop.census().timers, 1);
    scene.pass(WRITABLE);
    scene.fake.clock.advance(GRACE - Duration::from_nanos(1));
    scene.pass(WRITABLE);
    scene.rest();
    assert_eq!(
        (story.take().last().unwrap().as_str(), scene.stream.sent()),
        ("lost", b"kept".to_vec())
    );
    assert_eq!(scene.fake.event_loop.census(), NOTHING);
}

/// D-13 (TR-28): too late, what is kept is thrown away.
#[test]
fn d_13_a_close_out_of_time_is_an_abort() {
    let (mut scene, story) = closed_within(&[Some(1)]);
    scene.fake.clock.advance(GRACE);
    scene.pass(NONE);
    scene.rest();
    assert_eq!(
        (story.take().last().unwrap().as_str(), scene.stream.sent()),
        ("lost", b"k".to_vec())
    );
    assert_eq!(scene.fake.event_loop.census(), NOTHING);
    assert_eq!(scene.fake.clock.elapsed(), GRACE);
}

/// D-13: an abort ends it at once, and the timer with it; a later limit counts instead of the first;
/// with nothing kept there is no timer; and after the end there is none either.
#[test]
fn d_13_the_timer_of_a_close_ends_with_the_connection() {
    let (mut scene, story) = closed_within(&[Some(1)]);
    scene.transport.abort();
    assert_eq!(scene.fake.event_loop.census().timers, 0);
    scene.rest();
    assert_eq!(story.take(), ["made", "lost"]);
    scene.transport.close_within(GRACE);
    assert_eq!(scene.fake.event_loop.census(), NOTHING);

    let (mut scene, story) = closed_within(&[Some(1)]);
    scene.transport.close_within(2 * GRACE);
    assert_eq!(scene.fake.event_loop.census().timers, 1);
    scene.fake.clock.advance(GRACE);
    scene.pass(NONE);
    assert_eq!(story.take(), ["made"]);
    scene.fake.clock.advance(GRACE);
    scene.pass(NONE);
    scene.rest();
    assert_eq!(story.take(), ["lost"]);

    let mut scene = Scene::begun(FakeStream::new(), Witness::new(&story));
    scene.transport.close_within(GRACE);
    assert_eq!(scene.fake.event_loop.census().timers, 0);
    scene.rest();
    assert_eq!(story.take(), ["made", "lost"]);
}

/// D-13 over the real kernel and clock.
#[test]
fn d_13_a_peer_that_never_reads_is_given_up() {
    both(|_| async {
        let story = Story::default();
        let ((transport, _), _far) = meet(Witness::new(&story)).await;
        transport.write(&vec![0; 8_000_000]).unwrap();
        let begin = event_loop().time();
        transport.close_within(Duration::from_millis(20));
        story.until("lost").await;
        assert!(event_loop().time() - begin >= Duration::from_millis(20));
        assert_eq!(story.lines().last().unwrap(), "lost");
    });
}

/// TR-29: what the kernel has may still arrive; what was kept does not. After a `close` that waits it
/// is the same, and `connection_lost` comes once, not inside of `abort`.
#[test]
fn an_aborted_connection_throws_away_what_it_keeps() {
    for closes in [false, true] {
        let story = Story::default();
        let stream = FakeStream::new().receives([Ok("x")]).takes([Ok(Some(2))]);
        let mut scene = Scene::begun(stream, Witness::new(&story));
        scene.transport.write(b"kept").unwrap();
        if closes {
            scene.transport.close();
        }
        scene.transport.abort();
        assert!(scene.transport.is_closing() && scene.transport.write_buffer_size() == 0);
        assert_eq!(story.take(), ["made"]);
        scene.pass(READABLE | WRITABLE);
        scene.rest();
        assert_eq!((story.take(), scene.stream.sent()), (vec!["lost".into()], b"ke".to_vec()));
    }
    both(|_| async {
        let story = Story::default();
        let ((transport, _), far) = meet(Witness::new(&story)).await;
        transport.write(b"in the kernel").unwrap();
        transport.abort();
        assert_eq!(receive_all(&far).await, b"in the kernel");
    });
}

/// TR-31 and TR-39: what is said of the ends stays; the descriptor is there inside of
/// `connection_lost`, and gone behind it.
#[test]
fn a_descriptor_is_open_until_behind_connection_lost() {
    both(|_| async {
        let (near, far) = tcp();
        let ends = [&near, &far].map(|socket| socket.local_addr().unwrap().as_socket());
        let inside = Rc::new(Cell::new(None));
        let (seen, story) = (Rc::clone(&inside), Story::default());
        let witness = Witness::new(&story).acts(move |told, transport| {
            if told == Told::Lost {
                let mut name = None;
                assert!(transport.with_descriptor(&mut |descriptor| {
                    name = SockRef::from(&descriptor).local_addr().unwrap().as_socket();
                }));
                seen.set(name);
            }
            Ok(())
        });
        let (transport, _) = connect_accepted_socket(|| witness, near).await.unwrap();
        let addresses =
            || [transport.local_address(), transport.peer_address()].map(|end| end.ip());
        assert_eq!(addresses(), ends);
        assert!(transport.with_descriptor(&mut |_| ()));
        transport.close();
        story.until("lost").await;
        assert_eq!(inside.get(), ends[0]);
        assert!(!transport.with_descriptor(&mut |_| panic!("it is closed")));
        assert_eq!(addresses(), ends);
        assert_eq!(receive_all(&register(far)).await, b"");
    });
}

/// TR-32: however it has ended, everything is harmless afterwards.
#[test]
fn a_lost_transport_does_nothing() {
    let ends: [fn(&Rc<dyn Transport>); 3] = [
        |transport| transport.close(),
        |transport| transport.abort(),
        |transport| {
            transport.write(b"kept").unwrap();
            transport.close();
        },
    ];
    for end in ends {
        let story = Story::default();
        let stream = FakeStream::new().takes([Ok(None)]).receives([Ok("late")]);
        let mut scene = Scene::begun(stream, Witness::new(&story));
        let reports = reports(&scene.fake.event_loop);
        end(&scene.transport);
        scene.pass(WRITABLE);
        scene.pass(WRITABLE);
        let calls = scene.stream.calls();
        let transport = &scene.transport;
        for _ in 0..2 {
            transport.pause_reading();
            transport.resume_reading();
            transport.write_eof().unwrap();
            transport.close();
            transport.abort();
            transport.close_within(GRACE);
            assert!(transport.write(b"x").is_err());
            transport.set_write_buffer_limits(Some(0), None).unwrap();
            assert!(transport.is_closing() && !transport.is_reading());
            assert_eq!((transport.write_buffer_size(), transport.protocol().is_none()), (0, true));
        }
        scene.rest();
        assert_eq!(story.take(), ["made", "lost"]);
        assert_eq!((scene.stream.calls(), reports.borrow().len()), (calls, 0));
        assert_eq!(scene.fake.event_loop.census(), NOTHING);
    }
}

/// TR-33 and TR-35: a pause counts from the next byte on, again it does nothing, and neither data nor
/// the end of file is noticed meanwhile.
#[test]
fn a_paused_transport_notices_nothing() {
    both(|_| async {
        for (near, mut far) in [tcp(), unix()] {
            let story = Story::default();
            let witness = Witness::new(&story).acts(|told, transport| {
                if let Told::Data(_) = told {
                    transport.pause_reading();
                }
                Ok(())
            });
            let (transport, _) = connect_accepted_socket(|| witness, near).await.unwrap();
            far.write_all(b"one").unwrap();
            story.until("data").await;
            assert!(!transport.is_reading());
            transport.pause_reading();
            far.write_all(b"two").unwrap();
            far.shutdown(std::net::Shutdown::Write).unwrap();
            passes(5).await;
            assert_eq!(story.take(), ["made", "data one"]);
            transport.resume_reading();
            transport.resume_reading();
            assert!(transport.is_reading());
            story.until("data").await;
            passes(5).await;
            assert_eq!(story.take(), ["data two"]);
            transport.resume_reading();
            story.until("lost").await;
            assert_eq!(story.take(), ["eof", "lost"]);
        }
    });
}

/// TR-34.
#[test]
fn a_pause_in_connection_made_comes_before_the_first_byte() {
    both(|_| async {
        let (near, mut far) = tcp();
        far.write_all(b"early").unwrap();
        let story = Story::default();
        let witness = Witness::new(&story).acts(|told, transport| {
            if told == Told::Made {
                transport.pause_reading();
            }
            Ok(())
        });
        let (transport, _) = connect_accepted_socket(|| witness, near).await.unwrap();
        passes(5).await;
        assert_eq!(story.take(), ["made"]);
        transport.resume_reading();
        story.until("data").await;
        assert_eq!(story.take(), ["data early"]);
        transport.abort();
        passes(2).await;
    });
}

/// TR-40: a closed loop closes its connections and tells of each, but calls no protocol. It does so
/// whether or not the protocol keeps its transport, and the creator another one.
#[test]
fn a_closed_loop_closes_its_connections() {
    for (is_circle, keeps) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut event_loop = EventLoop::new().unwrap();
        let reports = reports(&event_loop);
        let (near, mut far) = tcp();
        let story = Story::default();
        let mut witness = Witness::new(&story);
        if is_circle {
            witness = witness.keeps_transport();
        }
        let opened = async move { connect_accepted_socket(|| witness, near).await.unwrap() };
        let (transport, protocol) = event_loop.run_until_complete(opened).unwrap();
        drop(protocol);
        let weak = Rc::downgrade(&transport);
        let kept = keeps.then_some(transport);
        assert!(weak.upgrade().is_some(), "the loop keeps it");
        event_loop.close();
        assert_eq!(far.read(&mut [0]).unwrap(), 0);
        let messages: Vec<_> = reports.borrow().iter().map(|report| report.message).collect();
        assert_eq!(messages, ["a connection was dropped while it was open: its loop is closed"]);
        assert_eq!(weak.upgrade().is_some(), keeps);
        if let Some(transport) = kept {
            assert!(transport.is_closing() && transport.write(b"x").is_err());
            transport.close_within(GRACE);
            transport.resume_reading();
            transport.abort();
        }
        assert_eq!((story.take(), weak.upgrade().is_some()), (vec!["made".into()], false));
    }
}

/// TR-41: asyncio keeps a table of descriptors to refuse a second transport. Here a socket is moved
/// into the first one, which closes it, and nobody else has it.
#[test]
fn a_socket_belongs_to_its_transport() {
    both(|_| async {
        let (near, far) = tcp();
        let story = Story::default();
        let (transport, _) = connect_accepted_socket(|| Witness::new(&story), near).await.unwrap();
        assert_eq!(event_loop().census().sources, 1);
        transport.abort();
        story.until("lost").await;
        assert_eq!(event_loop().census().sources, 0);
        assert_eq!(receive_all(&register(far)).await, b"");
    });
}

/// TR-43: the greeting of a server that serves nobody.
#[test]
fn a_connection_closed_in_connection_made_sends_what_was_written() {
    both(|_| async {
        let story = Story::default();
        let witness = Witness::new(&story).acts(|told, transport| {
            if told == Told::Made {
                transport.write(b"we are full")?;
                transport.close();
            }
            Ok(())
        });
        let ((transport, _), far) = meet(witness).await;
        assert!(transport.is_closing());
        assert_eq!(receive_all(&far).await, b"we are full");
        story.until("lost").await;
        assert_eq!(story.take(), ["made", "lost"]);
    });
}

/// CC-08: a creator that gives up, at whatever moment, takes the connection with it. If it was made,
/// it is lost.
#[test]
fn a_creator_that_is_dropped_ends_the_connection() {
    both(|_| async {
        for moment in moments() {
            let (near, far) = tcp();
            let far = register(far);
            let story = Story::default();
            let connected = connect_accepted_socket(|| Witness::new(&story), near);
            if let Some(connected) = dropped_at(moment, connected).await {
                connected.unwrap().0.abort();
                assert_eq!(moment, Moment::AfterPoll(1), "it waits once");
                story.until("lost").await;
                break;
            }
            assert_eq!(receive_all(&far).await, b"");
            let is_polled = moment != Moment::BeforePoll(0);
            let expected: &[&str] = if is_polled { &["made", "lost"] } else { &[] };
            assert_eq!(story.lines(), expected, "{moment:?}");
            drop(far);
            assert_eq!(event_loop().census().sources, 0);
        }
    });
}
