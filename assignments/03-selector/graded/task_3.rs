//! Task 3.3: `after_receive`, `watch`, `settle`.

use chapter_03::fake::{Call, FakeBackend};
use chapter_03::{Interest, Mode, Readiness, Selector, Token};
use grading::{Story, Trial, Verdict};
use std::task::Poll;

const READABLE: Readiness = Readiness::READABLE;
const WRITABLE: Readiness = Readiness::WRITABLE;

pub(crate) fn a_flag_goes_when_the_socket_disproves_it(trial: &mut Trial) -> Verdict {
    const FULL: &str = "A receive that fills its buffer says nothing about what is behind it. Over \
                        an edge nobody will report that again.";
    const SHORT: &str = "A short receive has taken all there was: the next one would be in vain, \
                         and the kernel reports what comes later.";
    const END: &str = "The end of file stands behind the last bytes, and more bytes may stand \
                       behind an urgent one. Over an edge it was reported with them, and is not \
                       reported again.";
    const NOT_YET: &str = "The socket has the last word: a flag that stays although nothing was \
                           there makes its owner ask for ever.";
    let room = trial.random().between(2, 9000);
    let short = Poll::Ready(trial.random().between(1, room - 1));
    let full = Poll::Ready(room);
    let closed = READABLE | Readiness::READ_CLOSED;
    let urgent = READABLE | Readiness::URGENT;
    let cases = [
        (READABLE, full, READABLE, FULL),
        (READABLE, short, Readiness::NONE, SHORT),
        (READABLE, Poll::Pending, Readiness::NONE, NOT_YET),
        (closed, short, closed, END),
        (closed, full, closed, FULL),
        (closed, Poll::Pending, Readiness::NONE, NOT_YET),
        (urgent, short, urgent, END),
        (urgent, Poll::Pending, Readiness::NONE, NOT_YET),
    ];
    for (before, received, after, why) in cases {
        // What can be sent is another matter.
        let other = WRITABLE.when(*trial.random().choice(&[true, false]));
        let mut flags = before | other;
        flags.after_receive(&received, room);
        let outcome = match received {
            Poll::Pending => "says \"not yet\"".to_owned(),
            Poll::Ready(count) => format!("brings {count} bytes"),
        };
        trial.did(format!("{:?}; a receive with room for {room} {outcome}", before | other));
        trial.expect("the flags then", &(after | other), &flags, why)?;
    }
    Ok(())
}

/// One source that is watched over a back end that writes down what it is asked.
struct Watch {
    selector: Selector<&'static str, ()>,
    backend: FakeBackend,
    token: Token,
}

impl Watch {
    fn begin(trial: &Trial, mode: Mode, wanted: Interest) -> Result<Watch, Box<Story>> {
        let backend = FakeBackend::new(mode);
        let mut selector = Selector::with_backend(Box::new(backend.clone()));
        trial.did(format!("{mode:?}: watch({wanted:?})"));
        match selector.watch("a source", (), wanted) {
            Ok(token) => Ok(Watch { selector, backend, token }),
            Err(error) => Err(trial.fail("a token", error, "").expect_err("a failure is one")),
        }
    }

    fn settle(
        &mut self,
        trial: &Trial,
        wanted: Interest,
        reported: Readiness,
    ) -> Result<Vec<Call>, Box<Story>> {
        let mode = self.selector.mode();
        trial.did(format!("{mode:?}: settle({wanted:?} is wanted, {reported:?} was reported)"));
        let outcome = self.selector.settle(self.token, wanted, reported);
        let outcome = outcome.map_err(|error| error.kind());
        trial.expect("settle()", &Ok(()), &outcome, "The token names a source.")?;
        Ok(self.backend.take_calls())
    }
}

fn some_interest(trial: &mut Trial) -> Interest {
    *trial.random().choice(&[Interest::NONE, Interest::READ, Interest::WRITE, Interest::BOTH])
}

/// A report of all that is in `interest`.
fn report_of(interest: Interest) -> Readiness {
    READABLE.when(interest.contains(Interest::READ))
        | WRITABLE.when(interest.contains(Interest::WRITE))
}

pub(crate) fn over_an_edge_a_source_is_registered_once(trial: &mut Trial) -> Verdict {
    const WHY: &str = "An edge is reported once and costs nothing while nobody waits for it: a \
                       source that is watched for both directions from the beginning needs no \
                       further system call, and misses nothing.";
    let wanted = *trial.random().choice(&[Interest::READ, Interest::WRITE]);
    let mut watch = Watch::begin(trial, Mode::Edge, wanted)?;
    let expected = vec![Call::Add(0, Interest::BOTH)];
    trial.expect("calls of the back end", &expected, &watch.backend.take_calls(), WHY)?;
    for _ in 0..6 {
        let (wanted, reported) = (some_interest(trial), some_interest(trial));
        let calls = watch.settle(trial, wanted, report_of(reported))?;
        trial.expect("calls of the back end", &Vec::new(), &calls, WHY)?;
    }
    Ok(())
}

pub(crate) fn an_interest_goes_with_the_first_report_in_vain(trial: &mut Trial) -> Verdict {
    const LEVEL: &str = "Over a level, what is reported and not wanted is reported again at once, \
                         without end: the interest has to go. What is not wanted just now and not \
                         reported costs nothing, and to take it away would cost a system call.";
    const ONESHOT: &str = "A oneshot back end takes away what it reports: who still wants it has \
                           to ask again, or hears no more.";
    let first = *trial.random().choice(&[Interest::READ, Interest::WRITE]);
    let second = Interest::BOTH - first;
    let mut watch = Watch::begin(trial, Mode::Level, first)?;
    let expected = vec![Call::Add(0, first)];
    trial.expect("calls of the back end", &expected, &watch.backend.take_calls(), LEVEL)?;
    let mut watched = first;
    let mut steps = vec![
        // It is wanted beside the first, then not any more, and only then reported.
        (Interest::BOTH, first),
        (first, Interest::NONE),
        (first, second),
        (Interest::NONE, Interest::NONE),
        (Interest::NONE, first),
        (second, Interest::NONE),
    ];
    steps.extend((0..10).map(|_| (some_interest(trial), some_interest(trial))));
    for (wanted, reported) in steps {
        // A kernel reports what is asked for.
        let reported = report_of(reported).within(watched);
        let calls = watch.settle(trial, wanted, reported)?;
        let now = (watched - (reported.directions() - wanted)) | wanted;
        let expected = match (watched, now) {
            (before, after) if before == after => Vec::new(),
            (_, Interest::NONE) => vec![Call::Remove],
            (Interest::NONE, after) => vec![Call::Add(0, after)],
            (_, after) => vec![Call::Modify(0, after)],
        };
        trial.expect("calls of the back end", &expected, &calls, LEVEL)?;
        watched = now;
    }

    trial.did("the same over another back end");
    let mut watch = Watch::begin(trial, Mode::Oneshot, first)?;
    let expected = vec![Call::Add(0, first)];
    trial.expect("calls of the back end", &expected, &watch.backend.take_calls(), ONESHOT)?;
    for _ in 0..2 {
        let calls = watch.settle(trial, first, report_of(first))?;
        trial.expect("calls of the back end", &vec![Call::Modify(0, first)], &calls, ONESHOT)?;
        let calls = watch.settle(trial, first, Readiness::NONE)?;
        trial.expect("calls of the back end", &Vec::new(), &calls, ONESHOT)?;
    }
    Ok(())
}
