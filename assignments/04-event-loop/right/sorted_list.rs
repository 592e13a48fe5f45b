//! differs: Timers are a list that is sorted when one is set, the next one last; a wait is computed from a choice of
//! reasons; a step takes apart what it does into functions; the flag of a task is cleared by a swap; a time-out is a
//! future with a struct of its own.

mod timers {
    pub(crate) struct Timers<A> {
        /// By deadline and sequence, the next one last.
        list: Vec<(Instant, u64, A)>,
        set_so_far: u64,
    }

    pub(crate) struct TimerKey {
        deadline: Instant,
        sequence: u64,
    }

    impl<A> Timers<A> {
        pub(crate) fn new(_: Instant) -> Timers<A> {
            Timers { list: Vec::new(), set_so_far: 0 }
        }

        pub(crate) fn set(&mut self, deadline: Instant, action: A) -> TimerKey {
            let sequence = self.set_so_far;
            self.set_so_far += 1;
            let place = self.list.partition_point(|(other, ..)| *other > deadline);
            self.list.insert(place, (deadline, sequence, action));
            TimerKey { deadline, sequence }
        }

        pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<A> {
            let place = self.place(key)?;
            Some(self.list.remove(place).2)
        }

        pub(crate) fn get_mut(&mut self, key: TimerKey) -> Option<&mut A> {
            let place = self.place(key)?;
            Some(&mut self.list[place].2)
        }

        pub(crate) fn next(&mut self) -> Option<Instant> {
            self.list.last().map(|(deadline, ..)| *deadline)
        }

        pub(crate) fn take_due(&mut self, now: Instant) -> Option<A> {
            self.list.pop_if(|(deadline, ..)| *deadline <= now).map(|(_, _, action)| action)
        }

        pub(crate) fn into_actions(self) -> impl Iterator<Item = A> {
            self.list.into_iter().map(|(_, _, action)| action)
        }

        pub(crate) fn len(&self) -> usize {
            self.list.len()
        }

        fn drop_dead(&mut self) {}

        fn nanoseconds(&self, _: Instant) -> u64 {
            0
        }
    }

    fn is_alive<A>(_: &Slab<(u64, A)>, _: TimerKey) -> bool {
        true
    }

    #[added]
    impl<A> Timers<A> {
        fn place(&self, key: TimerKey) -> Option<usize> {
            let wanted = (key.deadline, key.sequence);
            let order =
                |(deadline, sequence, _): &(Instant, u64, A)| wanted.cmp(&(*deadline, *sequence));
            self.list.binary_search_by(order).ok()
        }
    }
}

mod loop_core {
    impl Core {
        fn timeout(&self) -> Option<Duration> {
            let idle = self.ready.borrow().is_empty()
                && self.deferred.borrow().is_empty()
                && self.deferred_turns.borrow().is_empty();
            match (idle && !self.stopping.get(), self.timers.borrow_mut().next()) {
                (false, _) => Some(Duration::ZERO),
                (true, None) => None,
                (true, Some(deadline)) => {
                    Some(deadline.saturating_duration_since(self.clock.now()).min(WAIT_MAX))
                }
            }
        }

        fn take_timers(self: &Rc<Core>) {
            let now = self.clock.now();
            loop {
                let timed = self.timers.borrow_mut().take_due(now);
                match timed {
                    None => return,
                    Some(Timed::Call(handle)) => self.schedule(handle),
                    Some(Timed::Wake(waker)) => contained(|| waker.wake()).unwrap_or(()),
                }
            }
        }

        fn run_ready(self: &Rc<Core>) {
            let (mut taken, mut more) = (0, true);
            while more {
                let mut round = self.spare.take();
                std::mem::swap(&mut round, &mut *self.ready.borrow_mut());
                more = !round.is_empty();
                taken += round.len();
                contained::for_each(round.drain(..), |entry| self.run_one(entry));
                self.spare.set(round);
                more = more && taken < PASS_BUDGET && !self.stopping.get();
            }
        }
    }
}

mod remote {
    impl Remote {
        pub(crate) fn send(&self, order: Order) -> Result<(), LoopClosed> {
            match &mut *self.orders() {
                None => return Err(LoopClosed),
                Some(queue) => queue.push_back(order),
            }
            if !self.shared.pending.swap(true, Ordering::AcqRel) {
                self.shared.selector.wake();
            }
            Ok(())
        }

        pub(crate) fn take(&self, max: usize) -> VecDeque<Order> {
            if !self.shared.pending.swap(false, Ordering::AcqRel) {
                return VecDeque::new();
            }
            let mut first = VecDeque::new();
            let mut orders = self.orders();
            let left = orders.as_mut().map_or(0, |queue| {
                while first.len() < max
                    && let Some(order) = queue.pop_front()
                {
                    first.push_back(order);
                }
                queue.len()
            });
            drop(orders);
            if left > 0 {
                self.shared.pending.store(true, Ordering::Release);
                self.shared.selector.wake();
            }
            first
        }
    }
}

mod task {
    impl<T: Outcome> Task<T> {
        pub(crate) fn poll_outcome(&self, waker: &Waker) -> Poll<Option<Result<T, JoinError>>> {
            let waker = waker.clone();
            let mut state = self.state.borrow_mut();
            let State::Pending { joiner, .. } = &mut *state else {
                drop(state);
                return Poll::Ready(self.take_outcome());
            };
            let running = self.body.borrow().is_none();
            assert!(!running, "a task cannot await itself");
            let old = joiner.replace(waker);
            drop(state);
            drop(old);
            Poll::Pending
        }
    }

    #[added]
    impl<T: Outcome> Task<T> {
        fn poll_body(&self, body: &mut Body<T>) -> Result<Poll<T>, String> {
            let mut context = Context::from_waker(&self.waker);
            contained(|| body.as_mut().poll(&mut context))
        }

        fn let_go(&self, body: Body<T>, rest: impl Sized) {
            let freed = contained(|| drop(rest));
            self.end(freed.and(contained(|| drop(body))), JoinError::Cancelled);
        }
    }

    impl<T: Outcome> Step for Task<T> {
        fn step(&self) {
            self.task_waker.queued.swap(false, Ordering::AcqRel);
            let Some(mut body) = self.body.take() else { return };
            if self.cancelled.get() {
                return self.let_go(body, ());
            }
            let value = match self.poll_body(&mut body) {
                Ok(Poll::Ready(value)) => Ok(value),
                Ok(Poll::Pending) => {
                    *self.body.borrow_mut() = Some(body);
                    return;
                }
                Err(message) => Err(message),
            };
            if self.cancelled.get() && value.is_ok() {
                return self.let_go(body, value);
            }
            let outcome = match (value, contained(|| drop(body))) {
                (Ok(value), Ok(())) => Ok(value),
                (Err(message), _) | (Ok(_), Err(message)) => Err(JoinError::Panicked(message)),
            };
            self.finish(outcome);
        }
    }

    impl Wake for TaskWaker {
        fn wake(self: Arc<TaskWaker>) {
            if self.queued.swap(true, Ordering::AcqRel) {
                return;
            }
            let mut at_home = false;
            with_running(|core| {
                if core.remote.is(&self.remote) {
                    core.make_ready(self.key);
                    at_home = true;
                }
            });
            if !at_home {
                let _ = self.remote.send(Order::Wake(self.key));
            }
        }

        fn wake_by_ref(self: &Arc<TaskWaker>) {
            Arc::clone(self).wake();
        }
    }
}

mod async_socket {
    impl<S, F> Operation<'_, S, F> {
        fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
            let AsyncSocket { core, watched, token, .. } = self.socket;
            let entered = core.reactor.wait_for(*token, watched, self.direction, context.waker());
            // The old entry goes when the new one is there.
            self.leave();
            match entered {
                Ok(number) => self.number = Some(number),
                Err(error) => return Poll::Ready(Err(error)),
            }
            Poll::Pending
        }

        fn leave(&mut self) {
            let Some(number) = self.number.take() else { return };
            self.socket.watched.leave(self.direction, number);
        }
    }
}

mod timeout {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    async fn until<F: IntoFuture>(end: Sleep, future: F) -> Result<F::Output, Elapsed> {
        Limited { future: Box::pin(future.into_future()), end }.await
    }

    #[added]
    struct Limited<F> {
        future: Pin<Box<F>>,
        end: Sleep,
    }

    #[added]
    impl<F: Future> Future for Limited<F> {
        type Output = Result<F::Output, Elapsed>;

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            match self.future.as_mut().poll(context) {
                Poll::Ready(output) => Poll::Ready(Ok(output)),
                Poll::Pending => Pin::new(&mut self.end).poll(context).map(|()| Err(Elapsed)),
            }
        }
    }
}

mod future_cell {
    impl<T: 'static> FutureCell<T> {
        fn finish(&self, end: State<T>) -> Result<(), AlreadyDone> {
            if self.is_done() {
                return Err(AlreadyDone);
            }
            self.shared.state.replace(end);
            let waiters = self.shared.waiters.take();
            contained::for_each(waiters.into_iter(), |(_, waiter)| match waiter {
                Waiter::Callback(callback) => self.call_soon(callback),
                Waiter::Task(waker) => waker.wake_by_ref(),
            });
            Ok(())
        }
    }
}
