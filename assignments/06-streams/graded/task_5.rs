//! Task 6.5: `start_server`, and what becomes of a client whose handler is done.

use crate::server::{KINDS, streams};
use chapter_04::{Outcome, spawn};
use chapter_06::{StreamReader, StreamWriter};
use grading::{Client, Trial, Verdict};
use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

/// Answers each piece with itself.
async fn echo(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    loop {
        let data = reader.read(100).await?;
        if data.is_empty() {
            return Ok(());
        }
        writer.write(&data)?;
    }
}

/// What the loop has reported.
#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<String>>>);

impl Reports {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Has a server whose handler gives its writer away and then ends badly, with what its client
/// says, if that begins with an exclamation mark.
fn with_bad_ends<T, F>(
    trial: &mut Trial,
    bad_end: impl Fn(String) -> F + Copy + Send + 'static,
    check: impl Fn(&mut Trial, SocketAddr, &Reports) -> Verdict,
) -> Verdict
where
    T: Outcome + 'static,
    F: Future<Output = io::Result<T>> + 'static,
{
    for kind in KINDS {
        let reports = Reports::default();
        let (list, notes) = (reports.clone(), trial.notes());
        let report = move |error: String| {
            notes.saw(format_args!("the loop reports: {error}"));
            list.0.lock().unwrap_or_else(PoisonError::into_inner).push(error);
        };
        let handle = move || {
            // Else the connection would be closed because its writer is dropped.
            let elsewhere = Rc::<RefCell<Vec<StreamWriter>>>::default();
            move |mut reader: StreamReader, writer: StreamWriter| {
                let elsewhere = Rc::clone(&elsewhere);
                async move {
                    let word = reader.read(100).await?;
                    let word = String::from_utf8_lossy(&word).into_owned();
                    if word.starts_with('!') {
                        elsewhere.borrow_mut().push(writer);
                        return bad_end(word).await.map(drop);
                    }
                    writer.write(word.as_bytes())?;
                    echo(reader, writer).await
                }
            }
        };
        let (address, _serving) = streams(trial, kind, report, handle);
        check(trial, address, &reports)?;
    }
    Ok(())
}

fn answers(trial: &mut Trial, client: &mut Client, why: &str) -> Verdict {
    let word = trial.random().word(1, 9);
    client.send(word.as_bytes())?;
    client.receive(word.as_bytes(), why)
}

/// One client's handler ends badly: that is reported, it is let go, and nothing happens to another
/// client.
fn ends_badly(trial: &mut Trial, address: SocketAddr, reports: &Reports, why: &str) -> Verdict {
    const OTHERS: &str = "What a handler does with its client concerns no other.";
    let mut other = trial.client(address)?;
    answers(trial, &mut other, OTHERS)?;
    let mut client = trial.client(address)?;
    let word = format!("!{}", trial.random().word(3, 9));
    client.send(word.as_bytes())?;
    client.receive_end(why)?;
    other.hears_nothing(OTHERS)?;
    answers(trial, &mut other, OTHERS)?;
    let reported = reports.take();
    let is_reported = reported.len() == 1 && reported[0].contains(&word);
    let came = match &reported[..] {
        [] => "nothing was reported".to_owned(),
        several => several.join("; "),
    };
    trial.ensure(
        is_reported,
        format!("one report, with the handler's own words: {word}"),
        came,
        "Nobody awaits a handler: what it fails with is told to the loop's exception handler, or to \
         nobody.",
    )?;
    let mut next = trial.client(address)?;
    answers(trial, &mut next, OTHERS)
}

pub(crate) fn a_handler_that_fails_is_reported_and_its_client_let_go(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Nobody will ever serve this client again. A connection that is left open \
                       keeps a descriptor, and its client waits for an answer.";
    let fails = async |word: String| Err::<(), _>(io::Error::other(word));
    with_bad_ends(trial, fails, |trial, address, reports| ends_badly(trial, address, reports, WHY))
}

pub(crate) fn a_handler_that_panics_ends_its_own_client_alone(trial: &mut Trial) -> Verdict {
    const WHY: &str = "A panic in a handler is a failure of its own client, as an error is: the \
                       connection is closed, and the server goes on.";
    // Past the hook: this panic is the check's, and not the learner's.
    let panics =
        async |word: String| -> io::Result<()> { std::panic::resume_unwind(Box::new(word)) };
    with_bad_ends(trial, panics, |trial, address, reports| ends_badly(trial, address, reports, WHY))
}

pub(crate) fn a_handler_may_return_and_leave_its_writer_to_another(trial: &mut Trial) -> Verdict {
    const WHY: &str = "Whoever has the writer has the connection. A handler that is content, and \
                       has given it to another task, has ended nothing.";
    for kind in KINDS {
        let notes = trial.notes();
        let report = move |error| notes.saw(format_args!("the loop reports: {error}"));
        let handle = || async |reader, writer| spawn(echo(reader, writer)).detach();
        let (address, _serving) = streams(trial, kind, report, handle);
        let mut client = trial.client(address)?;
        client.hears_nothing(WHY)?;
        for _ in 0..3 {
            answers(trial, &mut client, WHY)?;
        }
        client.finish()?;
        client.receive_end("The writer is dropped in the end, and that closes the connection.")?;
    }
    Ok(())
}
