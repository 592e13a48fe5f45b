use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The most that one step may write or send, in bytes.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// What is done to one connection, and what its protocol does in its callbacks.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// How much the peer has sent before there is a transport.
    pub(crate) early: usize,
    pub(crate) keep_open: bool,
    pub(crate) reactions: BTreeMap<Callback, Vec<Reaction>>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Callback {
    Made,
    Data,
    Eof,
    Pause,
    Resume,
    Lost,
}

/// What is done from outside of the loop's callbacks.
#[derive(Debug)]
pub(crate) enum Step {
    PeerSend(usize),
    PeerShutdown,
    PeerClose,
    PeerReset,
    PeerDrain,
    Settle,
    Act(Act),
}

/// What is done inside a callback.
#[derive(Debug)]
pub(crate) enum Reaction {
    Act(Act),
    /// The callback fails.
    Raise,
    /// What follows is done at this call only.
    Only(u64),
}

/// What can be done to a transport, and what only leaves its mark in the trace.
#[derive(Debug)]
pub(crate) enum Act {
    Write(usize),
    Writelines(Vec<usize>),
    WriteEof,
    Close,
    Abort,
    PauseReading,
    ResumeReading,
    Limits(Limits),
    Fill,
    State,
    Mark(Value),
}

/// New water marks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) high: Option<i64>,
    pub(crate) low: Option<i64>,
    /// They are counted from what is in the write buffer at that moment.
    pub(crate) from_size: bool,
}

impl Scenario {
    /// Reads a list of scenarios. Members of other names are for the reader.
    pub(crate) fn read_all(json: &Value) -> Result<Vec<Rc<Scenario>>> {
        let list = json.as_array().context("a list of scenarios is needed")?;
        let mut names = BTreeSet::new();
        let mut scenarios = Vec::new();
        for (index, json) in list.iter().enumerate() {
            let scenario = json.as_object().context("it is no object");
            let name = scenario.and_then(|json| text(json, "name"));
            let name = name.with_context(|| format!("scenario number {}", index + 1))?;
            let scenario = Scenario::read(json).with_context(|| format!("scenario {name:?}"))?;
            ensure!(names.insert(name), "there are two scenarios {name:?}");
            scenarios.push(Rc::new(scenario));
        }
        Ok(scenarios)
    }

    fn read(json: &Value) -> Result<Scenario> {
        let json = json.as_object().context("it is no object")?;
        let early = json.get("early").map(bytes).transpose().context("member \"early\"")?;
        let on = json.get("on").context("it lacks member \"on\"")?;
        let on = on.as_object().context("member \"on\" is no object")?;
        let (mut keep_open, mut reactions) = (false, BTreeMap::new());
        for (name, value) in on {
            if name == "keep_open" {
                keep_open = value.as_bool().context("\"keep_open\" is true or false")?;
            } else {
                let of_callback = || format!("reactions to {name:?}");
                let callback = Callback::named(name).with_context(of_callback)?;
                let steps = each(value, Reaction::read).with_context(of_callback)?;
                reactions.insert(callback, steps);
            }
        }
        let steps = json.get("do").context("it lacks member \"do\"")?;
        let steps = each(steps, Step::read).context("member \"do\"")?;
        let name = text(json, "name")?.to_owned();
        Ok(Scenario { name, early: early.unwrap_or(0), keep_open, reactions, steps })
    }
}

impl Callback {
    fn named(name: &str) -> Result<Callback> {
        Ok(match name {
            "made" => Callback::Made,
            "data" => Callback::Data,
            "eof" => Callback::Eof,
            "pause" => Callback::Pause,
            "resume" => Callback::Resume,
            "lost" => Callback::Lost,
            _ => bail!(
                "there is no callback {name:?}: choose made, data, eof, pause, resume or lost"
            ),
        })
    }
}

impl Step {
    fn read(name: &str, arguments: &[Value]) -> Result<Step> {
        let step = match name {
            "peer_send" => return Ok(Step::PeerSend(bytes(only(arguments)?)?)),
            "peer_shutdown" => Step::PeerShutdown,
            "peer_close" => Step::PeerClose,
            "peer_rst" => Step::PeerReset,
            "peer_drain" => Step::PeerDrain,
            "settle" => Step::Settle,
            _ => return Act::read(name, arguments).map(Step::Act),
        };
        none(arguments).map(|()| step)
    }
}

impl Reaction {
    fn read(name: &str, arguments: &[Value]) -> Result<Reaction> {
        match name {
            "raise" => none(arguments).map(|()| Reaction::Raise),
            "only" => {
                let number = only(arguments)?.as_u64().filter(|number| *number > 0);
                number.map(Reaction::Only).context("it takes the number of a call, from 1 on")
            }
            _ => Act::read(name, arguments).map(Reaction::Act),
        }
    }
}

impl Act {
    fn read(name: &str, arguments: &[Value]) -> Result<Act> {
        let act = match name {
            "write" => return Ok(Act::Write(bytes(only(arguments)?)?)),
            "writelines" => {
                let pieces = only(arguments)?.as_array().context("it takes a list of numbers")?;
                return Ok(Act::Writelines(pieces.iter().map(bytes).collect::<Result<_>>()?));
            }
            "limits" => return Limits::read(arguments, false).map(Act::Limits),
            "limits_from_size" => return Limits::read(arguments, true).map(Act::Limits),
            "mark" => return Ok(Act::Mark(only(arguments)?.clone())),
            "write_eof" => Act::WriteEof,
            "close" => Act::Close,
            "abort" => Act::Abort,
            "pause_reading" => Act::PauseReading,
            "resume_reading" => Act::ResumeReading,
            "fill" => Act::Fill,
            "q" => Act::State,
            _ => bail!("there is no step {name:?} here"),
        };
        none(arguments).map(|()| act)
    }

    /// What the step is called in the traces.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Act::Write(_) => "write",
            Act::Writelines(_) => "writelines",
            Act::WriteEof => "write_eof",
            Act::Close => "close",
            Act::Abort => "abort",
            Act::PauseReading => "pause_reading",
            Act::ResumeReading => "resume_reading",
            Act::Limits(Limits { from_size: false, .. }) => "limits",
            Act::Limits(_) => "limits_from_size",
            Act::Fill => "fill",
            Act::State => "q",
            Act::Mark(_) => "mark",
        }
    }
}

impl Limits {
    fn read(arguments: &[Value], from_size: bool) -> Result<Limits> {
        let marks = only(arguments)?.as_object().context("it takes an object of high and low")?;
        if let Some(name) = marks.keys().find(|name| !["high", "low"].contains(&name.as_str())) {
            bail!("there is no water mark {name:?}: choose high or low");
        }
        let mark = |name| match marks.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).with_context(|| format!("{name} is no number")),
        };
        Ok(Limits { high: mark("high")?, low: mark("low")?, from_size })
    }
}

/// Reads a list of steps, each a list of its name and its arguments.
fn each<T>(list: &Value, read: impl Fn(&str, &[Value]) -> Result<T>) -> Result<Vec<T>> {
    let list = list.as_array().context("a list of steps is needed")?;
    let read = |(index, step): (usize, &Value)| {
        let parts = step.as_array().and_then(|step| step.split_first());
        let named = parts.and_then(|(name, arguments)| Some((name.as_str()?, arguments)));
        let outcome = match named {
            Some((name, arguments)) => read(name, arguments),
            None => Err(anyhow!("a step is a list of its name and its argument")),
        };
        outcome.with_context(|| format!("step {} of it, {step}", index + 1))
    };
    list.iter().enumerate().map(read).collect()
}

fn text<'a>(json: &'a Map<String, Value>, member: &str) -> Result<&'a str> {
    let value = json.get(member).with_context(|| format!("it lacks member {member:?}"))?;
    value.as_str().with_context(|| format!("member {member:?} is no text"))
}

fn none(arguments: &[Value]) -> Result<()> {
    ensure!(arguments.is_empty(), "it takes no argument");
    Ok(())
}

fn only(arguments: &[Value]) -> Result<&Value> {
    match arguments {
        [argument] => Ok(argument),
        _ => bail!("it takes one argument"),
    }
}

fn bytes(value: &Value) -> Result<usize> {
    let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| *count <= BYTES_MAX);
    count.with_context(|| format!("it takes a number of bytes from 0 to {BYTES_MAX}"))
}
