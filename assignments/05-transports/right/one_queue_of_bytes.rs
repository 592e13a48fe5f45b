//! differs: What is kept is one queue of bytes, without chunks; a write copies its pieces together first; the race keeps
//! what its attempts are in one list of options; the families are told apart by two queues that change places.

mod water_marks {
    impl WaterMarks {
        pub fn new(high: Option<usize>, low: Option<usize>) -> Result<WaterMarks, LimitsError> {
            let (low, high) = match (low, high) {
                (Some(low), Some(high)) => (low, high),
                (None, Some(high)) => (high >> 2, high),
                (Some(low), None) => (low, low.checked_mul(4).unwrap_or(usize::MAX)),
                (None, None) => return Ok(WaterMarks::default()),
            };
            if low <= high { Ok(WaterMarks { low, high }) } else { Err(LimitsError { high, low }) }
        }
    }
}

mod write_buffer {
    pub(crate) struct WriteBuffer {
        bytes: VecDeque<u8>,
    }

    impl WriteBuffer {
        pub(crate) fn len(&self) -> usize {
            self.bytes.len()
        }

        pub(crate) fn is_empty(&self) -> bool {
            self.bytes.is_empty()
        }

        pub(crate) fn push(&mut self, bytes: &[u8]) {
            self.bytes.extend(bytes);
        }

        pub(crate) fn send(
            &mut self,
            socket: &impl Stream,
            readiness: &mut Readiness,
        ) -> io::Result<()> {
            let (front, back) = self.bytes.as_slices();
            let sent = socket.try_send_vectored(&[IoSlice::new(front), IoSlice::new(back)])?;
            let count = match sent {
                Poll::Pending => 0,
                Poll::Ready(count) => count,
            };
            if count < self.bytes.len() {
                readiness.after_partial_send();
            }
            self.consume(count);
            Ok(())
        }

        fn pieces(&self) -> (Vec<IoSlice<'_>>, usize) {
            let (front, back) = self.bytes.as_slices();
            (vec![IoSlice::new(front), IoSlice::new(back)], self.len())
        }

        fn consume(&mut self, count: usize) {
            self.bytes.drain(..count);
            if self.bytes.is_empty() {
                self.bytes = VecDeque::new();
            }
        }
    }
}

mod socket_transport {
    mod writing {
        impl<S: Stream> SocketTransport<S> {
            fn write_through(
                &self,
                pieces: &[&[u8]],
                offered: usize,
                send: impl FnOnce(&S) -> io::Result<Poll<usize>>,
            ) -> Result<(), WriteError> {
                self.check_writable()?;
                let all = pieces.concat();
                if !self.buffer.borrow().is_empty() {
                    self.keep(&[&all], 0);
                } else if offered > 0 {
                    match self.send_now(offered, send) {
                        Ok(sent) => self.keep(&[&all], sent),
                        Err(error) => return Err(self.lost_in_write(error)),
                    }
                }
                Ok(())
            }

            fn keep(&self, pieces: &[&[u8]], sent: usize) {
                for piece in pieces {
                    let rest = &piece[sent..];
                    if rest.is_empty() {
                        continue;
                    }
                    self.buffer.borrow_mut().push(rest);
                    self.settle();
                    if self.socket.readiness().is_writable() {
                        self.socket.defer_turn();
                    }
                }
                self.mind_the_high_mark();
            }

            fn mind_the_high_mark(&self) {
                let marks = self.marks.get();
                if self.write_buffer_size() <= marks.high() {
                    return;
                }
                match self.flow.get() {
                    Flow::Paused | Flow::PauseDue => {}
                    Flow::Resumed => {
                        self.flow.set(Flow::PauseDue);
                        let transport = self.lend();
                        self.tell_pause(&transport);
                    }
                }
            }
        }
    }
}

mod interleave {
    use std::collections::VecDeque;

    pub fn interleave(addresses: Vec<SocketAddr>, first_count: usize) -> Vec<SocketAddr> {
        let mut queues: [VecDeque<SocketAddr>; 2] = Default::default();
        for address in &addresses {
            let is_first = address.is_ipv4() == addresses[0].is_ipv4();
            queues[usize::from(!is_first)].push_back(*address);
        }
        let mut order = Vec::new();
        let mut in_a_row = first_count.max(1);
        while order.len() < addresses.len() {
            for _ in 0..in_a_row {
                order.extend(queues[0].pop_front());
            }
            in_a_row = 1;
            queues.swap(0, 1);
        }
        order
    }
}

mod happy_eyeballs {
    impl<A, P, E> HappyEyeballs<A, P, E> {
        pub fn start_due(&mut self, now: Instant, start: impl FnOnce(A) -> P) -> Option<Instant> {
            if self.addresses.len() == 0 {
                return None;
            }
            match self.next {
                Next::OnFailure => return None,
                Next::At(time) if time > now => return Some(time),
                Next::At(_) | Next::Now => {}
            }
            let address = self.addresses.next()?;
            self.attempts.push(State::Running(start(address)));
            self.next = match self.delay.map(|delay| now.checked_add(delay)) {
                Some(Some(time)) => Next::At(time),
                _ => Next::OnFailure,
            };
            match self.next {
                Next::At(time) if self.addresses.len() > 0 => Some(time),
                _ => None,
            }
        }

        pub fn failed(mut self, attempt: Attempt, error: E) -> Result<Self, Vec<E>> {
            let latest = self.attempts.len() - 1;
            let old = std::mem::replace(&mut self.attempts[attempt.0], State::Failed(error));
            assert!(matches!(old, State::Running(_)), "it ends once");
            drop(old);
            if attempt.0 == latest {
                self.next = Next::Now;
            }
            let all_failed = self.attempts.iter().all(|state| matches!(state, State::Failed(_)));
            if self.addresses.len() > 0 || !all_failed {
                return Ok(self);
            }
            let mut errors = Vec::new();
            for state in self.attempts {
                if let State::Failed(error) = state {
                    errors.push(error);
                }
            }
            Err(errors)
        }
    }
}
