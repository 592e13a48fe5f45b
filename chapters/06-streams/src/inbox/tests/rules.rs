use super::Answer::{Bytes, Incomplete, Lost, NotYet, Overrun, TooLong};
use super::{Attempt, BREAK, Operation, answer, broken, limits};
use crate::connection_lost::ConnectionLost;
use crate::inbox::{Inbox, ReadResult};
use crate::stream_limits::{StreamLimits, ZeroLimit};
use chapter_04::TURN_MAX;

const MIB: usize = 1024 * 1024;

/// What has come before a test begins, of a connection that is open.
fn inbox(line_max: usize, bytes: &[u8]) -> Inbox {
    let mut inbox = Inbox::new(limits(line_max));
    inbox.feed_data(bytes);
    inbox
}

fn ended(line_max: usize, bytes: &[u8]) -> Inbox {
    let mut inbox = inbox(line_max, bytes);
    inbox.feed_eof();
    inbox
}

fn lost(line_max: usize, bytes: &[u8]) -> Inbox {
    let mut inbox = inbox(line_max, bytes);
    inbox.feed_loss(broken());
    inbox
}

/// A read that nobody has tried before.
fn read(inbox: &mut Inbox, operation: Operation) -> Option<ReadResult> {
    Attempt::new(operation).once_more(inbox)
}

fn read_line(inbox: &mut Inbox) -> Option<ReadResult> {
    read(inbox, Operation::ReadLine)
}

fn read_until(inbox: &mut Inbox, separators: &'static [&'static [u8]]) -> Option<ReadResult> {
    read(inbox, Operation::ReadUntil(separators))
}

/// RD-01.
#[test]
fn a_read_takes_what_is_there_and_waits_for_nothing_else() {
    let mut inbox = inbox(1, b"");
    assert_eq!(answer(&inbox.try_read(0)), Bytes(b""));
    assert_eq!(answer(&inbox.try_read(9)), NotYet);
    inbox.feed_data(b"abcde");
    assert_eq!(answer(&inbox.try_read(0)), Bytes(b""));
    assert_eq!(answer(&inbox.try_read(2)), Bytes(b"ab"));
    assert_eq!(answer(&inbox.try_read(usize::MAX)), Bytes(b"cde"));
    assert_eq!(answer(&inbox.try_read(1)), NotYet);
    inbox.feed_data(b"f");
    inbox.feed_eof();
    assert_eq!(answer(&inbox.try_read(9)), Bytes(b"f"));
    assert_eq!(answer(&inbox.try_read(9)), Bytes(b""));
    assert_eq!(answer(&inbox.try_read(9)), Bytes(b""));
}

/// RD-01: the limit does not bound it.
#[test]
fn a_read_to_the_end_gives_everything_at_the_end() {
    let mut inbox = inbox(1, &[b'a'; 1000]);
    assert_eq!(answer(&inbox.try_read_to_end()), NotYet);
    inbox.feed_data(b"b");
    assert_eq!((answer(&inbox.try_read_to_end()), inbox.kept()), (NotYet, 1001));
    inbox.feed_eof();
    assert_eq!(answer(&inbox.try_read_to_end()), Bytes(&[&[b'a'; 1000][..], b"b"].concat()));
    assert_eq!(answer(&inbox.try_read_to_end()), Bytes(b""));
}

/// RD-02: also far above the limit.
#[test]
fn a_read_by_number_gives_so_many_or_says_what_is_missing() {
    let mut inbox = inbox(1, b"");
    assert_eq!(answer(&inbox.try_read_exactly(0)), Bytes(b""));
    inbox.feed_data(&[b'a'; 1000]);
    assert_eq!(answer(&inbox.try_read_exactly(1001)), NotYet);
    assert_eq!(answer(&inbox.try_read_exactly(0)), Bytes(b""));
    inbox.feed_data(b"bcd");
    assert_eq!(answer(&inbox.try_read_exactly(1001)), Bytes(&[&[b'a'; 1000][..], b"b"].concat()));
    inbox.feed_eof();
    assert_eq!(answer(&inbox.try_read_exactly(3)), Incomplete(b"cd", Some(3)));
    assert_eq!(answer(&inbox.try_read_exactly(1)), Incomplete(b"", Some(1)));
    assert_eq!(answer(&inbox.try_read_exactly(0)), Bytes(b""));
}

/// RD-03.
#[test]
fn a_line_has_its_newline_and_only_the_last_may_have_none() {
    let mut inbox = inbox(9, b"one\n\ntw");
    assert_eq!(answer(&read_line(&mut inbox)), Bytes(b"one\n"));
    assert_eq!(answer(&read_line(&mut inbox)), Bytes(b"\n"));
    assert_eq!(answer(&read_line(&mut inbox)), NotYet);
    inbox.feed_data(b"o\nthree");
    inbox.feed_eof();
    assert_eq!(answer(&read_line(&mut inbox)), Bytes(b"two\n"));
    assert_eq!(answer(&read_line(&mut inbox)), Bytes(b"three"));
    assert_eq!(answer(&read_line(&mut inbox)), Bytes(b""));
}

/// RD-04.
#[test]
fn a_read_to_a_separator_takes_it_too() {
    let mut inbox = inbox(9, b"a;b--c");
    assert_eq!(answer(&read_until(&mut inbox, &[b";"])), Bytes(b"a;"));
    assert_eq!(answer(&read_until(&mut inbox, &[b"--"])), Bytes(b"b--"));
    assert_eq!(answer(&read_until(&mut inbox, &[b"--"])), NotYet);
    inbox.feed_eof();
    assert_eq!(answer(&read_until(&mut inbox, &[b"--"])), Incomplete(b"c", None));
    assert_eq!(answer(&read_until(&mut inbox, &[b"--"])), Incomplete(b"", None));
}

/// RD-05: nothing is taken, and so many bytes can be read without missing a separator.
#[test]
fn a_separator_that_is_too_far_away_says_how_far_it_is() {
    let mut near = inbox(3, b"abcd--e");
    let found = Overrun { consumed: 4, found: true };
    assert_eq!(answer(&read_until(&mut near, &[b"--"])), found);
    assert_eq!((answer(&read_until(&mut near, &[b"--"])), near.kept()), (found, 7));
    assert_eq!(answer(&near.try_read_exactly(4)), Bytes(b"abcd"));
    assert_eq!(answer(&read_until(&mut near, &[b"--"])), Bytes(b"--"));

    // Its last byte may begin the separator.
    let mut far = inbox(3, b"abcd-");
    let not_found = Overrun { consumed: 4, found: false };
    assert_eq!((answer(&read_until(&mut far, &[b"--"])), far.kept()), (not_found, 5));
    // That there will be no more bytes changes nothing.
    far.feed_eof();
    assert_eq!((answer(&read_until(&mut far, &[b"--"])), far.kept()), (not_found, 5));
    assert_eq!(answer(&far.try_read_exactly(4)), Bytes(b"abcd"));
    assert_eq!(answer(&read_until(&mut far, &[b"--"])), Incomplete(b"-", None));
}

/// RD-06: in whichever two pieces the line comes.
#[test]
fn the_limit_is_for_what_stands_before_the_separator() {
    let lines: [(&[u8], _); 2] = [(b"abc\n", Bytes(b"abc\n")), (b"abcd\n", TooLong)];
    for (line, expected) in lines {
        for cut in 0..=3 {
            let mut inbox = inbox(3, &line[..cut]);
            assert_eq!(answer(&read_line(&mut inbox)), NotYet, "{cut} bytes");
            inbox.feed_data(&line[cut..]);
            assert_eq!(answer(&read_line(&mut inbox)), expected, "{cut} bytes");
            assert_eq!(inbox.kept(), 0);
        }
    }
    let separator: &[&[u8]] = &[b"\r\n"];
    assert_eq!(answer(&read_until(&mut inbox(3, b"abc\r\n"), separator)), Bytes(b"abc\r\n"));
    let overrun = Overrun { consumed: 4, found: true };
    assert_eq!(answer(&read_until(&mut inbox(3, b"abcd\r\n"), separator)), overrun);
    // The first byte that is too much is known to be one only when the next has come.
    assert_eq!(answer(&read_until(&mut inbox(3, b"abcd"), separator)), NotYet);
    let overrun = Overrun { consumed: 4, found: false };
    assert_eq!(answer(&read_until(&mut inbox(3, b"abcde"), separator)), overrun);
}

/// RD-07: just the line that is too long is gone.
#[test]
fn after_a_line_that_was_too_long_comes_the_next_one() {
    let mut inbox = inbox(3, b"too long\none\n");
    assert_eq!(answer(&read_line(&mut inbox)), TooLong);
    assert_eq!(inbox.kept(), 4);
    assert_eq!(answer(&read_line(&mut inbox)), Bytes(b"one\n"));
}

/// RD-08.
#[test]
fn of_several_separators_the_one_that_ends_first_counts_in_whichever_pieces_it_comes() {
    let bytes = b"ab\r\ncd";
    for cut in 0..bytes.len() {
        let mut inbox = inbox(9, &bytes[..cut]);
        let mut attempt = Attempt::new(Operation::ReadUntil(&[b"\r\ncd", b"\n", b"\r\n"]));
        let early = attempt.once_more(&mut inbox);
        inbox.feed_data(&bytes[cut..]);
        let read = early.or_else(|| attempt.once_more(&mut inbox));
        assert_eq!(answer(&read), Bytes(b"ab\r\n"), "{cut} bytes");
    }
}

/// RD-10.
#[test]
fn a_limit_is_65_536_unless_another_is_given_and_never_zero() {
    assert_eq!(StreamLimits::new(65_536), Ok(StreamLimits::default()));
    let kept_max = |limit| StreamLimits::new(limit).unwrap().kept_max();
    assert_eq!((kept_max(1), kept_max(usize::MAX)), (2, usize::MAX));
    let default = StreamLimits::default();
    let zeros = [StreamLimits::new(0), default.with_line_max(0), default.with_kept_max(0)];
    assert_eq!(zeros, [Err(ZeroLimit); 3]);
    let mut inbox = Inbox::new(default);
    inbox.feed_data(&[b'a'; 65_536]);
    inbox.feed_data(b"\n");
    assert_eq!(answer(&read_line(&mut inbox)), Bytes(&[&[b'a'; 65_536][..], b"\n"].concat()));
    inbox.feed_data(&[b'a'; 65_537]);
    assert_eq!(answer(&read_line(&mut inbox)), TooLong);
}

/// RD-17.
#[test]
fn it_is_at_its_end_when_the_end_has_come_and_everything_is_read() {
    let mut inbox = inbox(9, b"ab");
    assert!(!inbox.at_eof());
    inbox.feed_eof();
    assert!(!inbox.at_eof());
    inbox.try_read(1);
    assert!(!inbox.at_eof());
    inbox.try_read(1);
    assert!(inbox.at_eof());
    assert!(!lost(9, b"").at_eof(), "it has broken before its end");
}

/// ST-08: the loss of a connection that was closed at this end has no cause.
#[test]
fn a_loss_without_a_cause_is_the_end_of_file() {
    let mut inbox = inbox(9, b"ab");
    inbox.feed_loss(ConnectionLost::new(None, 0));
    assert_eq!(answer(&inbox.try_read_to_end()), Bytes(b"ab"));
    assert!(inbox.at_eof());
}

/// D-20 and RD-16: what came before the loss can be read by every operation that it is enough for. The
/// others say what has happened, as often as they are asked, and take nothing.
#[test]
fn d_20_what_came_before_the_loss_is_not_lost() {
    let mut inbox = lost(3, b"one\ntwo--thr");
    assert_eq!(answer(&inbox.try_read_to_end()), Lost(BREAK));
    assert_eq!(answer(&read_line(&mut inbox)), Bytes(b"one\n"));
    assert_eq!(answer(&read_until(&mut inbox, &[b"--"])), Bytes(b"two--"));
    for _ in 0..3 {
        assert_eq!(answer(&read_line(&mut inbox)), Lost(BREAK));
        assert_eq!(answer(&read_until(&mut inbox, &[b"--"])), Lost(BREAK));
        assert_eq!(answer(&inbox.try_read_exactly(4)), Lost(BREAK));
        assert_eq!(answer(&inbox.try_read_to_end()), Lost(BREAK));
    }
    assert_eq!(answer(&inbox.try_read_exactly(2)), Bytes(b"th"));
    assert_eq!(answer(&inbox.try_read(9)), Bytes(b"r"));
    for _ in 0..3 {
        assert_eq!(answer(&inbox.try_read(9)), Lost(BREAK));
        assert_eq!(answer(&inbox.try_read(0)), Bytes(b""));
    }
}

/// D-20, RD-19: what has come with its end is whole, and what becomes of the connection later is no
/// matter of its reader's. asyncio raises the later error, and the bytes are not to be had.
#[test]
fn d_20_a_loss_after_the_end_of_file_is_not_the_readers() {
    let mut inbox = ended(3, b"all");
    inbox.feed_loss(broken());
    assert_eq!(answer(&inbox.try_read_to_end()), Bytes(b"all"));
    assert_eq!(answer(&inbox.try_read(9)), Bytes(b""));
    assert!(inbox.at_eof());
}

/// D-38: nothing of the line that is too long is taken for another line, in however many pieces it
/// comes. asyncio takes what comes later for a line of its own.
#[test]
fn d_38_a_line_that_is_too_long_is_gone_to_its_end() {
    for later in [&[&b"\n"[..]][..], &[b"er\n"], &[b"", b"and", b" longer", b"\n"]] {
        let mut inbox = inbox(3, b"long");
        assert_eq!(answer(&read_line(&mut inbox)), TooLong);
        for piece in later {
            assert_eq!(answer(&read_line(&mut inbox)), NotYet);
            inbox.feed_data(piece);
            assert_eq!(inbox.kept(), 0);
        }
        inbox.feed_data(b"one\n");
        assert_eq!(answer(&read_line(&mut inbox)), Bytes(b"one\n"));
    }
    // What stands behind its end in the same piece is the next line, for every read.
    let mut inbox = inbox(3, b"long");
    assert_eq!(answer(&read_line(&mut inbox)), TooLong);
    inbox.feed_data(b"er\nab\n");
    assert_eq!(answer(&inbox.try_read(9)), Bytes(b"ab\n"));
}

/// D-38: a line that never ends is one.
#[test]
fn d_38_a_line_that_is_too_long_may_be_the_last() {
    let mut last = ended(3, b"long");
    assert_eq!(answer(&read_line(&mut last)), TooLong);
    assert_eq!(answer(&read_line(&mut last)), Bytes(b""));
    assert!(last.at_eof());
    let mut broken_off = lost(3, b"long");
    assert_eq!(answer(&read_line(&mut broken_off)), TooLong);
    assert_eq!(answer(&read_line(&mut broken_off)), Lost(BREAK));
}

/// D-38: 32 MiB of it need no memory.
#[test]
fn d_38_a_line_that_is_too_long_is_not_kept() {
    let piece = vec![b'a'; TURN_MAX];
    let mut inbox = inbox(1000, &piece);
    assert_eq!(answer(&read_line(&mut inbox)), TooLong);
    for _ in 0..32 * MIB / TURN_MAX {
        inbox.feed_data(&piece);
        assert_eq!(answer(&read_line(&mut inbox)), NotYet);
        assert_eq!((inbox.kept(), inbox.buffer.capacity()), (0, 0));
    }
    inbox.feed_data(b"\nnext\n");
    assert_eq!(answer(&read_line(&mut inbox)), Bytes(b"next\n"));
}

/// RD-13: what is kept when nobody reads fits in twice its own size, in whichever pieces it comes.
#[test]
fn memory_follows_what_is_kept() {
    for size in [1, 100, 1460, 65_536, TURN_MAX] {
        let mut inbox = Inbox::new(StreamLimits::default());
        let piece = vec![b'a'; size];
        // As the transport does, which is paused above this.
        while inbox.kept() <= inbox.limits().kept_max() {
            inbox.feed_data(&piece);
        }
        let (kept, memory) = (inbox.kept(), inbox.buffer.capacity());
        assert!(memory <= 2 * kept, "{memory} bytes of memory for {kept} in pieces of {size}");
        assert_eq!(inbox.try_read(usize::MAX).unwrap().unwrap().len(), kept);
        assert_eq!(inbox.buffer.capacity(), 0);
    }
}
