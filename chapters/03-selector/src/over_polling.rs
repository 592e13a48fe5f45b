use crate::backend::{Backend, Mode};
use crate::event::{Event, Interest, Readiness, Token};
use crate::source::Source;
use polling::{PollMode, Poller};
use std::io::{self, ErrorKind};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// epoll, kqueue or poll through `polling`, level-triggered.
pub(crate) struct OverPolling {
    poller: Arc<Poller>,
    events: polling::Events,
}

impl OverPolling {
    pub(crate) fn new() -> io::Result<OverPolling> {
        Ok(OverPolling { poller: Arc::new(Poller::new()?), events: with_room_for(64) })
    }
}

impl<S: Source> Backend<S> for OverPolling {
    fn mode(&self) -> Mode {
        Mode::Level
    }

    #[expect(
        unsafe_code,
        reason = "the one place where a descriptor is lent to the kernel for longer than a call"
    )]
    fn add(&mut self, source: &S, token: Token, interest: Interest) -> io::Result<()> {
        let interest = to_polling(token, interest);
        // SAFETY: a source must not be closed while the poller watches it. `Selector` alone calls
        // this method (`OverPolling` is made nowhere else), always with a source that it owns. It
        // gives out `&S` and never `&mut S` or `S`, and by the contract of `Source`, which only the
        // types of that file have, nobody can close a descriptor through `&S`. It calls `remove`
        // before it gives a source back or drops it, and for every source that is left when it is
        // dropped itself.
        unsafe { self.poller.add_with_mode(&source.as_fd(), interest, PollMode::Level) }
    }

    fn modify(&mut self, source: &S, token: Token, interest: Interest) -> io::Result<()> {
        // Plain `modify` would turn the source into a oneshot one.
        self.poller.modify_with_mode(source.as_fd(), to_polling(token, interest), PollMode::Level)
    }

    fn remove(&mut self, source: &S) -> io::Result<()> {
        self.poller.delete(source.as_fd())
    }

    fn wait(
        &mut self,
        events: &mut Vec<Event>,
        sources: usize,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        // `polling` watches a timer and its notifier beside the sources (SE-06).
        let room = sources + 2;
        if self.events.capacity().get() < room {
            self.events = with_room_for(room.next_power_of_two());
        }
        self.events.clear();
        // A signal does not end this wait: `polling` goes on until the deadline.
        match self.poller.wait(&mut self.events, timeout) {
            // Over poll(2), `polling` has seen that it was notified before the notification was in
            // its pipe, and reads in vain: this is a wake-up. Only a wait that ends well lets the
            // next one through.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.poller.wait(&mut self.events, Some(Duration::ZERO))?
            }
            outcome => outcome?,
        };
        events.extend(self.events.iter().map(|event| Event {
            token: Token::from_word(event.key),
            readiness: to_readiness(&event),
        }));
        Ok(())
    }

    fn wake(&self) -> Box<dyn Fn() + Send + Sync> {
        let poller = Arc::clone(&self.poller);
        // It fails only where the notifier is gone, and it lives as long as the poller that we
        // hold.
        Box::new(move || drop(poller.notify()))
    }
}

fn with_room_for(events: usize) -> polling::Events {
    polling::Events::with_capacity(
        NonZeroUsize::new(events).expect("there is always room for the notifier"),
    )
}

fn to_polling(token: Token, interest: Interest) -> polling::Event {
    let (reads, writes) = (interest.contains(Interest::READ), interest.contains(Interest::WRITE));
    polling::Event::new(token.to_word(), reads, writes)
}

/// `polling` reports an error or a hang-up as both directions.
fn to_readiness(event: &polling::Event) -> Readiness {
    let lost = event.is_interrupt() || event.is_err() == Some(true);
    Readiness::READABLE.when(event.readable)
        | Readiness::WRITABLE.when(event.writable)
        | Readiness::READ_CLOSED.when(lost)
}
