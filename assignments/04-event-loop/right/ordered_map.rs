//! differs: Timers are in an ordered map, from which a cancelled one goes at once; rounds are counted, orders are moved
//! as a whole; tasks and operations are written with one `match` each, and a time-out by hand.

mod timers {
    use std::collections::BTreeMap;

    pub(crate) struct Timers<A> {
        alive: BTreeMap<(Instant, u64), A>,
        next_sequence: u64,
    }

    pub(crate) struct TimerKey {
        deadline: Instant,
        sequence: u64,
    }

    impl<A> Timers<A> {
        pub(crate) fn new(_: Instant) -> Timers<A> {
            Timers { alive: BTreeMap::new(), next_sequence: 0 }
        }

        pub(crate) fn set(&mut self, deadline: Instant, action: A) -> TimerKey {
            let sequence = self.next_sequence;
            self.next_sequence += 1;
            self.alive.insert((deadline, sequence), action);
            TimerKey { deadline, sequence }
        }

        pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<A> {
            self.alive.remove(&(key.deadline, key.sequence))
        }

        pub(crate) fn get_mut(&mut self, key: TimerKey) -> Option<&mut A> {
            self.alive.get_mut(&(key.deadline, key.sequence))
        }

        pub(crate) fn next(&mut self) -> Option<Instant> {
            self.alive.first_key_value().map(|((deadline, _), _)| *deadline)
        }

        pub(crate) fn take_due(&mut self, now: Instant) -> Option<A> {
            let entry = self.alive.first_entry()?;
            (entry.key().0 <= now).then(|| entry.remove())
        }

        pub(crate) fn into_actions(self) -> impl Iterator<Item = A> {
            self.alive.into_values()
        }

        fn drop_dead(&mut self) {}

        fn nanoseconds(&self, _: Instant) -> u64 {
            0
        }
    }

    fn is_alive<A>(_: &Slab<(u64, A)>, _: TimerKey) -> bool {
        true
    }
}

mod loop_core {
    impl Core {
        fn timeout(&self) -> Option<Duration> {
            if self.census().ready > 0 || self.stopping.get() {
                return Some(Duration::ZERO);
            }
            let now = self.clock.now();
            let deadline = self.timers.borrow_mut().next();
            deadline.map(|deadline| deadline.saturating_duration_since(now).min(WAIT_MAX))
        }

        fn take_timers(self: &Rc<Core>) {
            let now = self.clock.now();
            let mut due = Vec::new();
            while let Some(timed) = self.timers.borrow_mut().take_due(now) {
                due.push(timed);
            }
            for timed in due {
                match timed {
                    Timed::Call(handle) => self.schedule(handle),
                    Timed::Wake(waker) => drop(contained(|| waker.wake())),
                }
            }
        }

        fn run_ready(self: &Rc<Core>) {
            let mut turns = 0;
            while turns < PASS_BUDGET {
                let round = self.ready.take();
                if round.is_empty() {
                    break;
                }
                turns += round.len();
                for entry in round {
                    let _ = contained(|| self.run_one(entry));
                }
                if self.stopping.get() {
                    break;
                }
            }
        }
    }
}

mod remote {
    impl Remote {
        pub(crate) fn send(&self, order: Order) -> Result<(), LoopClosed> {
            let mut orders = self.orders();
            let Some(queue) = &mut *orders else { return Err(LoopClosed) };
            queue.push_back(order);
            // Under the lock: whoever is woken comes to it after us.
            self.shared.selector.wake();
            Ok(())
        }

        pub(crate) fn take(&self, max: usize) -> VecDeque<Order> {
            let mut orders = self.orders();
            let Some(queue) = &mut *orders else { return VecDeque::new() };
            let rest = queue.split_off(max.min(queue.len()));
            if !rest.is_empty() {
                self.shared.selector.wake();
            }
            std::mem::replace(queue, rest)
        }
    }
}

mod task {
    impl<T: Outcome> Task<T> {
        pub(crate) fn cancel(&self) -> bool {
            if !self.is_pending() {
                return false;
            }
            self.cancelled.set(true);
            self.waker.wake_by_ref();
            true
        }

        pub(crate) fn poll_outcome(&self, waker: &Waker) -> Poll<Option<Result<T, JoinError>>> {
            if !self.is_pending() {
                return Poll::Ready(self.take_outcome());
            }
            assert!(self.body.borrow().is_some(), "a task cannot await itself");
            let waker = Some(waker.clone());
            let old = match &mut *self.state.borrow_mut() {
                State::Pending { joiner, .. } => std::mem::replace(joiner, waker),
                _ => None,
            };
            drop(old);
            Poll::Pending
        }

        fn finish(&self, outcome: Result<T, JoinError>) {
            let core = self.core.upgrade();
            if let Some(core) = &core {
                core.tasks.remove(self.task_waker.key);
            }
            let State::Pending { joiner, callbacks } = self.state.replace(State::Done(outcome))
            else {
                return;
            };
            for callback in callbacks {
                self.call_soon(callback);
            }
            if let Some(joiner) = joiner {
                let _ = contained(|| joiner.wake());
            }
        }
    }

    impl<T: Outcome> Step for Task<T> {
        fn step(&self) {
            self.task_waker.queued.store(false, Ordering::SeqCst);
            let Some(mut body) = self.body.take() else { return };
            let polled = if self.cancelled.get() {
                Ok(Poll::Pending)
            } else {
                contained(|| body.as_mut().poll(&mut Context::from_waker(&self.waker)))
            };
            match polled {
                _ if self.cancelled.get() => {
                    // Cancelled before this step, or in it. Each is let go of by itself.
                    let value = contained(|| drop(polled));
                    let body = contained(|| drop(body));
                    self.end(value.and(body), JoinError::Cancelled);
                }
                Ok(Poll::Pending) => {
                    self.body.replace(Some(body));
                }
                Ok(Poll::Ready(value)) => {
                    let outcome = contained(|| drop(body)).map(|()| value);
                    self.finish(outcome.map_err(JoinError::Panicked));
                }
                Err(message) => {
                    let _ = contained(|| drop(body));
                    self.finish(Err(JoinError::Panicked(message)));
                }
            }
        }
    }

    impl Wake for TaskWaker {
        fn wake_by_ref(self: &Arc<TaskWaker>) {
            let queued = &self.queued;
            if queued.compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                return;
            }
            let here = with_running(|core| core.remote.is(&self.remote).then(|| Rc::clone(core)));
            match here.flatten() {
                Some(core) => core.make_ready(self.key),
                None => drop(self.remote.send(Order::Wake(self.key)).is_ok()),
            }
        }
    }
}

mod async_socket {
    impl<T, S, F> Future for Operation<'_, S, F>
    where
        F: FnMut(&S, &mut Readiness) -> io::Result<Poll<T>> + Unpin,
    {
        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
            // Whatever comes of this poll, the wait of the last one is over.
            self.leave();
            let Operation { socket, direction, attempt, gave_way, number } = &mut *self;
            let watched = &socket.watched;
            let mut readiness = watched.readiness.get();
            if readiness.contains(direction.flag()) {
                if !socket.core.may_go_on(gave_way, context.waker()) {
                    return Poll::Pending;
                }
                let outcome = attempt(&socket.socket, &mut readiness).transpose();
                watched.readiness.set(readiness);
                if outcome.is_ready() {
                    return outcome;
                }
            }
            let reactor = &socket.core.reactor;
            match reactor.wait_for(socket.token, watched, *direction, context.waker()) {
                Ok(entered) => *number = Some(entered),
                Err(error) => return Poll::Ready(Err(error)),
            }
            Poll::Pending
        }
    }

    #[added]
    trait Transpose<T> {
        fn transpose(self) -> Poll<io::Result<T>>;
    }

    #[added]
    impl<T> Transpose<T> for io::Result<Poll<T>> {
        fn transpose(self) -> Poll<io::Result<T>> {
            match self {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
                Err(error) => Poll::Ready(Err(error)),
            }
        }
    }
}

mod timeout {
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::task::Poll;

    async fn until<F: IntoFuture>(end: Sleep, future: F) -> Result<F::Output, Elapsed> {
        let (mut future, mut end) = (pin!(future.into_future()), pin!(end));
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            end.as_mut().poll(context).map(|()| Err(Elapsed))
        })
        .await
    }
}

mod future_cell {
    impl<T: 'static> FutureCell<T> {
        fn finish(&self, end: State<T>) -> Result<(), AlreadyDone> {
            let mut state = self.shared.state.borrow_mut();
            let State::Pending = *state else { return Err(AlreadyDone) };
            *state = end;
            drop(state);
            while let Some((_, waiter)) = { self.shared.waiters.borrow_mut().pop_first() } {
                match waiter {
                    Waiter::Task(waker) => drop(contained::contained(|| waker.wake())),
                    Waiter::Callback(callback) => self.call_soon(callback),
                }
            }
            Ok(())
        }
    }

    impl<T: Clone + 'static> Future for Waiting<T> {
        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            match self.cell.result() {
                Err(FutureError::NotDone) => {}
                result => return Poll::Ready(result),
            }
            // A new entry each time: who waits anew waits behind the others.
            let number = self.cell.shared.new_number();
            let mut waiters = self.cell.shared.waiters.borrow_mut();
            let old = self.number.and_then(|old| waiters.remove(&old));
            waiters.insert(number, Waiter::Task(context.waker().clone()));
            drop(waiters);
            drop(old);
            self.number = Some(number);
            Poll::Pending
        }
    }
}
