//! The race that the book draws is one that was run: `book/src/pictures/happy-eyeballs.svg` is drawn
//! from its events.

use crate::race_chart::{self, Attempt, End};
use chapter_03::Mode;
use chapter_04::fake::FakeLoop;
use chapter_04::{running_loop, sleep};
use chapter_05::{RECOMMENDED_DELAY, RaceOptions, connect_any};
use std::cell::RefCell;
use std::future::pending;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// What the host's addresses do: its IPv6 has no way back, and one of its machines is down.
fn behaviour(address: &SocketAddr) -> Option<(Duration, bool)> {
    let answer = |milliseconds, is_there| Some((Duration::from_millis(milliseconds), is_there));
    match address.to_string().as_str() {
        "[2001:db8::1]:80" | "[2001:db8::2]:80" => None,
        "192.0.2.1:80" => answer(90, false),
        "192.0.2.2:80" => answer(120, true),
        other => panic!("{other} was not resolved"),
    }
}

/// An attempt that runs. Its events are kept in the order of the starts.
struct Running {
    events: Rc<RefCell<Vec<Attempt>>>,
    index: usize,
    begin: Instant,
}

impl Running {
    fn start(address: SocketAddr, begin: Instant, events: &Rc<RefCell<Vec<Attempt>>>) -> Running {
        let events = Rc::clone(events);
        let index = events.borrow().len();
        let start_ms = since(begin);
        events.borrow_mut().push(Attempt {
            address: address.ip().to_string(),
            start_ms,
            end_ms: start_ms,
            end: End::Dropped,
        });
        Running { events, index, begin }
    }

    async fn connect(self, address: SocketAddr) -> io::Result<Running> {
        let Some((after, is_there)) = behaviour(&address) else { return pending().await };
        sleep(after).await;
        self.events.borrow_mut()[self.index].end = if is_there { End::Won } else { End::Failed };
        if is_there { Ok(self) } else { Err(ErrorKind::ConnectionRefused.into()) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.events.borrow_mut()[self.index].end_ms = since(self.begin);
    }
}

fn since(begin: Instant) -> u128 {
    (running_loop().unwrap().time() - begin).as_millis()
}

/// HE-02 to HE-05: the addresses take turns, a silent one costs one delay, a refusal none, and who
/// has not won is dropped at that moment. What the picture shows is what has happened.
#[test]
fn the_race_in_the_book_is_one_that_was_run() {
    let addresses = ["[2001:db8::1]:80", "[2001:db8::2]:80", "192.0.2.1:80", "192.0.2.2:80"]
        .map(|address| address.parse().unwrap());
    let events = Rc::default();
    let kept = Rc::clone(&events);
    let race = async move {
        let begin = running_loop().unwrap().time();
        let options = RaceOptions { delay: Some(RECOMMENDED_DELAY), interleave: None };
        let connect = async |address| Running::start(address, begin, &kept).connect(address).await;
        drop(connect_any(addresses.to_vec(), options, connect).await.unwrap());
    };
    FakeLoop::new(Mode::Edge).event_loop.run_until_complete(race).unwrap();
    let attempts = events.take();

    let course: Vec<_> =
        attempts.iter().map(|one| (&*one.address, one.start_ms, one.end_ms, one.end)).collect();
    let expected = [
        ("2001:db8::1", 0, 710, End::Dropped),
        ("192.0.2.1", 250, 340, End::Failed),
        ("2001:db8::2", 340, 710, End::Dropped),
        ("192.0.2.2", 590, 710, End::Won),
    ];
    assert_eq!(course, expected);
    race_chart::check("happy-eyeballs", &attempts);
}
