//! differs: A source goes into the table before the kernel is asked, and out again if it refuses; serials have gaps;
//! each event is narrowed by itself; a pause remembers how long it is instead of its end; `settle` needs no helper.

mod selector {
    impl<S, D> Selector<S, D> {
        pub fn register(&mut self, source: S, data: D, interest: Interest) -> io::Result<Token> {
            self.next_serial = (self.next_serial + 3) % (u32::MAX - 2);
            let serial = self.next_serial;
            let place = self.slots.insert(Slot {
                source,
                data,
                serial,
                interest: Interest::NONE,
                added: false,
            });
            let Ok(index) = u32::try_from(place) else {
                self.slots.remove(place);
                return Err(io::Error::other("no token is left"));
            };
            let token = Token { index, serial };
            match self.modify(token, interest) {
                Ok(()) => Ok(token),
                Err(error) => {
                    self.slots.remove(place);
                    Err(error)
                }
            }
        }

        pub fn modify(&mut self, token: Token, interest: Interest) -> io::Result<()> {
            let Some(slot) = find(&mut self.slots, token) else {
                return Err(ErrorKind::NotFound.into());
            };
            let wanted = interest != Interest::NONE;
            if wanted && slot.added {
                self.backend.modify(&slot.source, token, interest)?;
            } else if wanted {
                self.backend.add(&slot.source, token, interest)?;
            } else if slot.added {
                self.backend.remove(&slot.source)?;
            }
            (slot.interest, slot.added) = (interest, wanted);
            Ok(())
        }

        pub fn unregister(&mut self, token: Token) -> io::Result<(S, D)> {
            let outcome = self.modify(token, Interest::NONE);
            if outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound)
                && self.get(token).is_none()
            {
                return Err(ErrorKind::NotFound.into());
            }
            let Slot { source, data, .. } = self.slots.remove(token.index as usize);
            outcome.map(|()| (source, data))
        }

        pub fn select(
            &mut self,
            events: &mut Vec<Event>,
            timeout: Option<Duration>,
        ) -> io::Result<()> {
            let mut reported = Vec::new();
            events.clear();
            let outcome = self.backend.wait(&mut reported, self.slots.len(), timeout);
            self.waker.seen();
            for Event { token, readiness } in reported {
                let Some(slot) = find(&mut self.slots, token) else { continue };
                let readiness = readiness.within(slot.interest);
                if readiness != Readiness::NONE {
                    events.push(Event { token, readiness });
                }
            }
            outcome
        }
    }
}

mod waker {
    impl Waker {
        pub fn wake(&self) {
            let pending = &self.state.pending;
            let first =
                pending.compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst).is_ok();
            if first {
                (self.state.wake)();
            }
        }

        pub(crate) fn seen(&self) {
            self.state.pending.swap(false, Ordering::SeqCst);
        }
    }
}

mod event {
    impl Readiness {
        pub fn after_receive(&mut self, received: &Poll<usize>, room: usize) {
            let Poll::Ready(count) = *received else {
                *self = self.within(Interest::WRITE);
                return;
            };
            let more_behind = self.intersects(Readiness::READ_CLOSED | Readiness::URGENT);
            if count < room && !more_behind {
                *self = *self - Readiness::READABLE;
            }
        }
    }
}

mod watch {
    impl<S, D> Selector<S, D> {
        pub fn watch(&mut self, source: S, data: D, wanted: Interest) -> io::Result<Token> {
            match self.mode() {
                Mode::Edge => self.register(source, data, Interest::BOTH),
                Mode::Level | Mode::Oneshot => self.register(source, data, wanted),
            }
        }

        pub fn settle(
            &mut self,
            token: Token,
            wanted: Interest,
            reported: Readiness,
        ) -> io::Result<()> {
            let mode = self.mode();
            if mode == Mode::Edge {
                return Ok(());
            }
            let Some(watched) = self.interest(token) else {
                return Err(ErrorKind::NotFound.into());
            };
            let reported = reported.directions();
            if mode == Mode::Oneshot {
                *watched = *watched - reported;
            }
            let in_vain = reported - wanted;
            let missing = wanted - *watched;
            if !watched.intersects(in_vain) && missing == Interest::NONE {
                return Ok(());
            }
            let interest = (*watched - in_vain) | missing;
            self.modify(token, interest)
        }
    }
}

mod back_off {
    pub(crate) struct BackOff {
        begun: Option<Instant>,
        length: Duration,
        reported: bool,
    }

    impl BackOff {
        pub(crate) fn begin(&mut self, now: Instant, error: &io::Error) {
            if !self.reported {
                self.reported = true;
                Log::report(format_args!("cannot accept: {error}"));
            }
            (self.begun, self.length) = (Some(now), BACK_OFF);
        }

        pub(crate) fn cut_short(&mut self, _: impl FnOnce() -> Instant) {
            self.length = Duration::ZERO;
        }

        pub(crate) fn is_on(&self) -> bool {
            self.begun.is_some()
        }

        pub(crate) fn remaining(&self, clock: impl FnOnce() -> Instant) -> Option<Duration> {
            let begun = self.begun?;
            Some(self.length.saturating_sub(clock().saturating_duration_since(begun)))
        }

        pub(crate) fn take_elapsed(&mut self, clock: impl FnOnce() -> Instant) -> bool {
            match self.remaining(clock) {
                Some(Duration::ZERO) => self.begun.take().is_some(),
                _ => false,
            }
        }
    }
}
