use anyhow::{Context as _, Result, anyhow, bail, ensure};
use chapter_03::{Mode, Readiness};
use chapter_04::fake::FakeLoop;
use chapter_05::fake::{FakeStream, connect};
use chapter_05::{BaseProtocol, CallbackResult, ConnectionError, Protocol, ProtocolRef, Transport};
use chapter_06::{Chunk, ReadError, StreamLimits, StreamProtocol, StreamReader, Streams};
use serde_json::{Value, json};
use std::cell::Cell;
use std::future::Future;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Plays a script with our reader. What each step says is what it says in Python.
pub(crate) fn play(script: &Value) -> Result<Value> {
    let limit = number(&script["limit"])?;
    let steps = script["steps"].as_array().context("steps")?;
    let (stage, (mut reader, writer)) = Stage::new(StreamLimits::new(limit)?)?;
    let (mut said, mut steps) = (Vec::new(), &steps[..]);
    while !steps.is_empty() {
        steps = stage.play(&mut reader, steps, &mut said)?;
    }
    drop(writer);
    stage.end()?;
    Ok(said.into())
}

/// A connection without a kernel, whose protocol is called by hand.
struct Stage {
    fake: FakeLoop,
    transport: Rc<dyn Transport>,
    protocol: ProtocolRef<StreamProtocol>,
}

type Read<'a> = Pin<Box<dyn Future<Output = Result<Chunk, ReadError>> + 'a>>;

impl Stage {
    fn new(limits: StreamLimits) -> Result<(Stage, Streams)> {
        let mut fake = FakeLoop::new(Mode::Edge);
        let place = Rc::<Cell<Option<Streams>>>::default();
        let put = Rc::clone(&place);
        let connected = move |reader, writer| -> CallbackResult {
            put.set(Some((reader, writer)));
            Ok(())
        };
        let protocol = StreamProtocol::new(limits, connected);
        let (transport, protocol) = connect(&fake, FakeStream::new(), protocol)?;
        pass(&mut fake)?;
        let streams = place.take().context("the connection is made")?;
        Ok((Stage { fake, transport, protocol }, streams))
    }

    /// Ends the connection, so that the loop does not report it as dropped.
    fn end(mut self) -> Result<()> {
        self.transport.abort();
        while self.fake.event_loop.census().ready > 0 {
            pass(&mut self.fake)?;
        }
        Ok(())
    }

    /// Does one step, and those behind it as long as its read waits. Gives those that are left.
    fn play<'s>(
        &self,
        reader: &mut StreamReader,
        steps: &'s [Value],
        said: &mut Vec<Value>,
    ) -> Result<&'s [Value]> {
        let (first, mut rest) = steps.split_first().context("a step")?;
        let Some(mut read) = begun(reader, first)? else {
            self.happens(first)?;
            said.push(json!([null, reader.at_eof()]));
            return Ok(rest);
        };
        let mut step = first;
        loop {
            let is_unseen = step[0] == "feed_unseen";
            let mut context = Context::from_waker(Waker::noop());
            if !is_unseen && let Poll::Ready(result) = read.as_mut().poll(&mut context) {
                drop(read);
                said.push(json!([form(result)?, reader.at_eof()]));
                return Ok(rest);
            }
            said.push(json!([null, null]));
            match rest.split_first() {
                Some((next, behind)) if is_event(next) => {
                    self.happens(next)?;
                    (step, rest) = (next, behind);
                }
                // The read is given up, for another or for none, or with the script.
                _ => return Ok(rest),
            }
        }
    }

    /// What comes to the protocol, if that is what the step says.
    fn happens(&self, step: &Value) -> Result<()> {
        let transport = &self.transport;
        let told = self.protocol.with(|protocol| -> CallbackResult {
            match step[0].as_str() {
                Some("feed" | "feed_unseen") => {
                    let data = step[1].as_str().unwrap_or_default();
                    protocol.data_received(transport, data.as_bytes())
                }
                Some("eof") => protocol.eof_received(transport).map(drop),
                Some("lose") => {
                    let reset = ConnectionError::Io(ErrorKind::ConnectionReset.into());
                    protocol.connection_lost(transport, Some(reset));
                    Ok(())
                }
                _ => Ok(()),
            }
        })?;
        told.map_err(|error| anyhow!("{error}"))
    }
}

fn pass(fake: &mut FakeLoop) -> Result<()> {
    fake.backend.report([(0, Readiness::NONE)]);
    fake.event_loop.stop();
    Ok(fake.event_loop.run_forever()?)
}

fn is_event(step: &Value) -> bool {
    ["feed", "feed_unseen", "eof", "lose"].iter().any(|event| step[0] == *event)
}

/// The read that a step begins.
fn begun<'r>(reader: &'r mut StreamReader, step: &Value) -> Result<Option<Read<'r>>> {
    Ok(Some(match step[0].as_str().context("what is to be done")? {
        "read" => {
            let max = number(&step[1])?;
            Box::pin(reader.read(max))
        }
        "read_to_end" => Box::pin(reader.read_to_end()),
        "readexactly" => {
            let count = number(&step[1])?;
            Box::pin(reader.readexactly(count))
        }
        "readuntil" => {
            let separators: Vec<String> = serde_json::from_value(step[1].clone())?;
            Box::pin(async move {
                let separators: Vec<&[u8]> = separators.iter().map(String::as_bytes).collect();
                reader.readuntil_any(&separators).await
            })
        }
        "readline" => Box::pin(reader.readline()),
        "feed" | "feed_unseen" | "eof" | "lose" | "give_up" => return Ok(None),
        other => bail!("there is no step {other:?}"),
    }))
}

/// What a read has said, in the form that Python's has.
fn form(result: Result<Chunk, ReadError>) -> Result<Value> {
    Ok(match result {
        Ok(bytes) => json!(["bytes", String::from_utf8(bytes.into_vec())?]),
        Err(ReadError::Incomplete { partial, expected }) => {
            json!(["incomplete", String::from_utf8(partial)?, expected])
        }
        Err(ReadError::LimitOverrun { consumed, found }) => json!(["overrun", consumed, found]),
        Err(ReadError::LineTooLong { .. }) => json!(["too_long"]),
        Err(ReadError::EmptySeparator) => json!(["empty_separator"]),
        Err(ReadError::Lost(_)) => json!(["lost"]),
        Err(other) => bail!("an error that nobody knows: {other}"),
    })
}

fn number(json: &Value) -> Result<usize> {
    let number = json.as_u64().context("a number")?;
    ensure!(number < 1000, "{number} is too much");
    Ok(number as usize)
}
