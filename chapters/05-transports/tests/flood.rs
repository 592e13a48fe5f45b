//! What a flood costs in memory: alone in its process, whose memory is measured.

#![allow(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

#[path = "support/meet.rs"]
mod meet;
#[path = "../../04-event-loop/tests/support/net.rs"]
mod net;

use chapter_05::{BaseProtocol, CallbackResult, Protocol, Transport, connect_accepted_socket};
use meet::tcp;
use net::{both, event_loop, passes};
use std::cell::Cell;
use std::fs;
use std::io::Read;
use std::rc::Rc;
use std::thread;

/// Writes as long as it may.
struct Flood {
    left: Rc<Cell<usize>>,
    most_kept: Rc<Cell<usize>>,
    is_paused: bool,
}

const PIECE: usize = 64 * 1024;

impl Flood {
    fn write(&mut self, transport: &Rc<dyn Transport>) {
        while !self.is_paused && self.left.get() > 0 {
            self.left.set(self.left.get() - PIECE);
            // It is closed if the peer has gone; then `connection_lost` says so.
            let _ = transport.write(&[1; PIECE]);
            let kept = transport.write_buffer_size();
            self.most_kept.set(self.most_kept.get().max(kept));
            // Inside of a callback, the mark is crossed before the pause is told.
            if kept > transport.write_buffer_limits().high() {
                return;
            }
        }
        if self.left.get() == 0 {
            transport.close();
        }
    }
}

impl BaseProtocol for Flood {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        self.write(transport);
        Ok(())
    }

    fn pause_writing(&mut self, _: &Rc<dyn Transport>) {
        self.is_paused = true;
    }

    fn resume_writing(&mut self, transport: &Rc<dyn Transport>) {
        self.is_paused = false;
        self.write(transport);
    }
}

impl Protocol for Flood {}

/// The memory of this process, in bytes.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// FC-13: 256 MiB for a reader that stalls and then goes on: at no time is more kept than the high
/// mark and one piece, and the process has not grown by 8 MiB.
#[test]
fn a_flood_keeps_no_more_than_the_marks_allow() {
    const FLOOD: usize = 256 * 1024 * 1024;
    both(|_| async {
        let (near, mut far) = tcp();
        let (left, most_kept) = (Rc::new(Cell::new(FLOOD)), Rc::<Cell<usize>>::default());
        let flood =
            Flood { left: Rc::clone(&left), most_kept: Rc::clone(&most_kept), is_paused: false };
        let before = resident();
        let (transport, _) = connect_accepted_socket(|| flood, near).await.unwrap();
        passes(20).await;
        assert!(left.get() > FLOOD / 2, "the reader stalls");
        let reader = thread::spawn(move || {
            let (mut buffer, mut count) = (vec![0; PIECE], 0);
            loop {
                match far.read(&mut buffer).unwrap() {
                    0 => return count,
                    more => count += more,
                }
            }
        });
        while event_loop().census().sources > 0 {
            passes(1).await;
        }
        assert_eq!(reader.join().unwrap(), FLOOD);
        assert!(most_kept.get() <= transport.write_buffer_limits().high() + PIECE, "{most_kept:?}");
        let grown = resident().saturating_sub(before);
        assert!(grown < 8 * 1024 * 1024, "it has grown by {grown} bytes");
    });
}
