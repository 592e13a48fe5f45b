use crate::contained::contained;
use crate::report::ErrorContext;
use crate::running;
use crate::timeout::timeout;
use chapter_01::AcceptFault;
use chapter_03::BACK_OFF;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;

/// Takes clients for ever and hands each on.
///
/// What `take` panics with concerns this client alone, and is reported. While no descriptor is left,
/// the clients wait in the kernel's queue and the listener stays ready, so there is a pause of
/// [`BACK_OFF`] before the next attempt, and one report (AC-04, D-15). `departure` ends the pause
/// early: it is a wait for one of the clients to leave, whose descriptor is then free.
///
/// # Errors
///
/// The listening socket itself is broken.
pub async fn accept_all<C, A, D>(
    accept: impl Fn() -> A,
    take: impl Fn(C, SocketAddr),
    departure: impl Fn() -> D,
) -> io::Result<Infallible>
where
    A: Future<Output = io::Result<(C, SocketAddr)>>,
    D: Future,
{
    // A shortage is reported once. It is over when nobody waits any more.
    let mut is_short = false;
    loop {
        match noting_a_wait(accept(), &mut is_short).await {
            Ok((client, peer)) => {
                if let Err(message) = contained(|| take(client, peer)) {
                    let context = ErrorContext::new("a client could not be served");
                    running::current().report(&context.with_error(message));
                }
            }
            Err(error) => match AcceptFault::of(&error) {
                AcceptFault::Client => {}
                AcceptFault::Exhausted => {
                    if !std::mem::replace(&mut is_short, true) {
                        report(&error);
                    }
                    // Whichever it was that has ended the pause, it is time to try again.
                    let _ = timeout(BACK_OFF, departure()).await;
                }
                AcceptFault::Listener => return Err(error),
            },
        }
    }
}

/// Awaits an accept, and clears the flag if it has to wait for a client.
async fn noting_a_wait<T>(accept: impl Future<Output = T>, is_short: &mut bool) -> T {
    let mut accept = pin!(accept);
    poll_fn(|context| {
        let polled = accept.as_mut().poll(context);
        *is_short &= polled.is_ready();
        polled
    })
    .await
}

fn report(error: &io::Error) {
    let error = format_args!("{error}; clients wait, trying again every {BACK_OFF:?}");
    running::current().report(&ErrorContext::new("cannot accept").with_error(error));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::Clients;
    use crate::fake::FakeLoop;
    use crate::race::race;
    use crate::sleep::sleep;
    use chapter_02::fake::FakeSocket;
    use chapter_03::Mode;
    use rustix::io::Errno;
    use std::cell::{Cell, RefCell};
    use std::future::pending;
    use std::rc::Rc;
    use std::time::Duration;

    const STAY: Duration = Duration::from_millis(100);
    const OPEN: Duration = Duration::from_secs(10);

    /// Plays a script of accepts to a server whose clients stay for a while. When each came, and
    /// what was reported.
    fn play(
        script: impl IntoIterator<Item = Result<FakeSocket, io::Error>>,
        stay: Duration,
    ) -> (Vec<Duration>, Vec<String>) {
        let mut fake = FakeLoop::new(Mode::Edge);
        let listener = fake.socket(FakeSocket::new().accepts(script)).unwrap();
        let (arrivals, reports) = (Rc::new(RefCell::default()), Rc::new(RefCell::default()));
        let reported: Rc<RefCell<Vec<String>>> = Rc::clone(&reports);
        fake.event_loop.set_exception_handler(move |_, context| {
            reported.borrow_mut().push(context.to_string());
        });
        let (arrived, clock) = (Rc::clone(&arrivals), fake.clock.clone());
        let handle = move |client, _| {
            let arrived: &RefCell<Vec<Duration>> = &arrived;
            arrived.borrow_mut().push(clock.elapsed());
            async move {
                sleep(stay).await;
                drop(client);
            }
        };
        let server = async move {
            let clients = Clients::new();
            let take = |client, peer| clients.spawn(handle(client, peer));
            let serve = accept_all(|| listener.accept(), take, || clients.departure());
            race(sleep(OPEN), serve).await;
        };
        fake.event_loop.run_until_complete(server).unwrap();
        (arrivals.take(), reports.take())
    }

    fn full() -> Result<FakeSocket, io::Error> {
        Err(Errno::MFILE.into())
    }

    fn client() -> Result<FakeSocket, io::Error> {
        Ok(FakeSocket::new())
    }

    /// The inverse of D-15 (AC-04, AC-05): one report and one timer, however many attempts fail.
    #[test]
    fn d_15_a_shortage_is_one_report_and_one_attempt_at_a_time() {
        let (arrivals, reports) = play([full(), full(), full(), client(), full(), client()], OPEN);
        // A client that comes in does not end the shortage while others wait.
        assert_eq!(arrivals, [3 * BACK_OFF, 4 * BACK_OFF]);
        assert_eq!(reports.len(), 1);
        assert!(reports[0].starts_with("cannot accept: "), "{reports:?}");
    }

    /// A descriptor that one of the server's own clients gives back is used at once.
    #[test]
    fn a_client_that_leaves_ends_the_pause() {
        assert!(STAY < BACK_OFF);
        let (arrivals, _) = play([client(), full(), client(), full(), client()], STAY);
        assert_eq!(arrivals, [Duration::ZERO, STAY, 2 * STAY]);
    }

    /// Nobody waits any more, so the next shortage is another one.
    #[test]
    fn each_shortage_is_reported() {
        let mut fake = FakeLoop::new(Mode::Edge);
        let listener = FakeSocket::new().accepts([full(), client()]);
        let socket = fake.socket(listener.clone()).unwrap();
        let reports = Rc::new(Cell::new(0));
        let counted = Rc::clone(&reports);
        fake.event_loop.set_exception_handler(move |_, _| counted.set(counted.get() + 1));
        let backend = fake.backend.clone();
        let server = async move {
            let second = async {
                sleep(2 * BACK_OFF).await;
                let _more = listener.accepts([full(), client()]);
                backend.report([(0, chapter_03::Readiness::READABLE)]);
                sleep(2 * BACK_OFF).await;
            };
            race(second, accept_all(|| socket.accept(), |_, _| (), pending::<()>)).await;
        };
        fake.event_loop.run_until_complete(server).unwrap();
        assert_eq!(reports.get(), 2);
    }

    /// A client that is gone before it is accepted costs nobody anything; a listener that is broken
    /// ends the server.
    #[test]
    fn only_a_broken_listener_ends_the_server() {
        let mut fake = FakeLoop::new(Mode::Edge);
        let script = [Err(Errno::CONNABORTED.into()), client(), Err(Errno::BADF.into())];
        let listener = fake.socket(FakeSocket::new().accepts(script)).unwrap();
        let served = Rc::new(Cell::new(0));
        let counted = Rc::clone(&served);
        let server = async move {
            let count = |_, _| counted.set(counted.get() + 1);
            accept_all(|| listener.accept(), count, pending::<()>).await
        };
        let error = fake.event_loop.run_until_complete(server).unwrap().unwrap_err();
        assert_eq!((Errno::from_io_error(&error), served.get()), (Some(Errno::BADF), 1));
    }
}
