use crate::event::Event;
use crate::peer::{Peer, Seen};
use crate::play::Play;
use anyhow::{Result, bail};
use chapter_04::yield_now;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::time::{Duration, Instant};

/// After so many passes in which nothing changed, and with nothing that the kernel offers, the loop
/// has nothing left to do: what one pass brings about runs in the next one at the latest.
const CALM_PASSES: u32 = 3;
/// After this time without a change, a connection that has something left to do is stuck, and its
/// trace shows it.
const STUCK: Duration = Duration::from_millis(500);
/// How a scenario waits: for what there is to do, and never for a time to pass.
impl Play {
    /// Lets the loop run until nothing is left to do.
    pub(crate) async fn settle(&self) -> Result<()> {
        let (mut passes, mut seen, mut since) = (0, self.state(), Instant::now());
        loop {
            self.rest();
            self.check()?;
            yield_now().await;
            if self.state() != seen {
                (passes, seen, since) = (0, self.state(), Instant::now());
                continue;
            }
            passes += 1;
            if passes >= CALM_PASSES && (!self.has_work() || since.elapsed() > STUCK) {
                return Ok(());
            }
        }
    }

    /// Has the peer read until it has seen an end, or until nothing is left for it to read. Before
    /// each receive the loop does what it can, so that the order of what is seen at the two ends is
    /// certain.
    pub(crate) async fn drain(&self) -> Result<()> {
        let mut since = Instant::now();
        loop {
            self.settle().await?;
            let written = self.written.get();
            let received = self.peer.borrow_mut().as_mut().map(|peer| peer.receive(written));
            match received.transpose()? {
                Some(Seen::Bytes(0)) if self.keeps() && since.elapsed() < STUCK => {
                    // The kernel has yet to tell that there is room again.
                    self.hurry();
                }
                Some(Seen::Bytes(0) | Seen::Nothing) | None => return Ok(()),
                Some(Seen::Bytes(_)) => since = Instant::now(),
                Some(Seen::Eof) => {
                    self.check_that_all_has_arrived()?;
                    self.log(Event::PeerEof);
                    return Ok(());
                }
                Some(Seen::Reset) => {
                    self.log(Event::PeerReset);
                    return Ok(());
                }
            }
        }
    }

    /// Whatever changes while a loop has something to do.
    fn state(&self) -> impl PartialEq + use<> {
        let transport = self.transport();
        let kept = transport.as_ref().map(|transport| transport.write_buffer_size());
        (self.logged.get(), kept, transport.map(|transport| transport.is_closing()))
    }

    /// Whether something is possible that the transport has yet to do.
    fn has_work(&self) -> bool {
        let Some(transport) = self.transport() else { return false };
        let keeps = self.keeps();
        if transport.is_closing() && !keeps && !self.lost.get() {
            return true;
        }
        let mut ready = PollFlags::empty();
        transport.with_descriptor(&mut |socket| {
            let mut sources = [PollFd::new(&socket, PollFlags::IN | PollFlags::OUT)];
            // An interrupted poll is made up for in the next pass.
            if poll(&mut sources, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok() {
                ready = sources[0].revents();
            }
        });
        let failed = PollFlags::ERR | PollFlags::HUP;
        transport.is_reading() && ready.intersects(PollFlags::IN | failed)
            || keeps && ready.intersects(PollFlags::OUT | failed)
    }

    fn keeps(&self) -> bool {
        self.transport().is_some_and(|transport| transport.write_buffer_size() > 0)
    }

    /// TR-26: what was written before an orderly end arrives before it. An end with unread bytes in
    /// the kernel is none: it resets the connection.
    fn check_that_all_has_arrived(&self) -> Result<()> {
        let received = self.peer.borrow().as_ref().map_or(0, Peer::received);
        let written = self.written.get();
        let is_orderly = !self.discards.get() && self.data == self.peer_sent;
        if received == written || !is_orderly {
            return Ok(());
        }
        bail!("of {written} bytes that were written before the end only {received} have arrived")
    }
}
