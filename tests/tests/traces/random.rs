use crate::generator::Generator;
use crate::played::{self, SELECTORS};
use crate::python::Python;
use crate::shrink::shrink;
use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Each of these makes [`COUNT`] scenarios, always the same ones.
const SEEDS: [u64; 3] = [5, 2026, 0xdead_beef];
const COUNT: usize = 150;

/// Where further scenarios come from.
const VARIABLE: &str = "TRACE_SEED";

/// The seeds of a run: the fixed ones, and the one of the environment.
pub(crate) fn seeds() -> Result<Vec<u64>> {
    let mut seeds = SEEDS.to_vec();
    if let Ok(seed) = std::env::var(VARIABLE) {
        seeds.push(seed.parse().with_context(|| format!("{VARIABLE} is no number: {seed:?}"))?);
    }
    Ok(seeds)
}

/// Plays the scenarios of a seed on both sides. One that differs is made as short as it gets.
pub(crate) fn compare(seed: u64, python: &Python) -> Result<()> {
    let mut generator = Generator::new(seed, python.has_d_10());
    let scenarios: Vec<Value> =
        (0..COUNT).map(|number| generator.scenario(format!("random-{seed}-{number}"))).collect();
    let Some((scenario, before)) = first_difference(&scenarios, python)? else { return Ok(()) };
    let is_wrong = |scenario: &Value| {
        let difference = first_difference(std::slice::from_ref(scenario), python);
        // What is cut too short to be played is no shorter example.
        difference.is_ok_and(|difference| difference.is_some())
    };
    let small = shrink(scenario.clone(), is_wrong);
    let difference = first_difference(std::slice::from_ref(&small), python)?;
    let Some((_, difference)) = difference else {
        bail!("with {VARIABLE}={seed}, {scenario}\nhas once given\n{before}\nand now the same");
    };
    bail!("with {VARIABLE}={seed}, {scenario}\nis as wrong as\n{small}\nwhich gives\n{difference}")
}

/// The first scenario of which both sides have different traces, and these.
fn first_difference<'a>(
    scenarios: &'a [Value],
    python: &Python,
) -> Result<Option<(&'a Value, String)>> {
    let file = played::write(&Value::from(scenarios).to_string())?;
    let asyncio = python.traces(file.path())?;
    for selector in SELECTORS {
        let ours = played::trace(file.path(), selector)?;
        for scenario in scenarios {
            let name = scenario["name"].as_str().context("it has a name")?;
            if let Some(both) = differ(&ours[name], &asyncio[name]) {
                return Ok(Some((scenario, format!("over {selector}\n{both}"))));
            }
        }
    }
    Ok(None)
}

fn differ(ours: &Value, asyncio: &Value) -> Option<String> {
    let (ours, asyncio) = (ours.as_array()?, Known::without_defects(asyncio.as_array()?));
    let is_same = match asyncio.is_whole {
        true => *ours == asyncio.events,
        false => ours.starts_with(&asyncio.events),
    };
    let events = Value::from(asyncio.events);
    (!is_same).then(|| format!("ours:    {}\nasyncio: {events}", Value::from(ours.as_slice())))
}

/// A trace of asyncio's without what is known to be wrong in it.
struct Known {
    events: Vec<Value>,
    /// Whether what follows can be compared as well.
    is_whole: bool,
}

impl Known {
    fn without_defects(trace: &[Value]) -> Known {
        let mut events: Vec<Value> = Vec::new();
        let (mut has_eof, mut is_lost) = (false, false);
        for event in trace {
            let kind = event[0].as_str().unwrap_or_default();
            has_eof |= kind == "eof";
            is_lost |= kind == "lost";
            // D-12: a second teardown, and calls after a flushed close, fail inside asyncio.
            let is_internal = event[2] == "AttributeError" || *event == reported_other();
            if is_lost && is_internal {
                continue;
            }
            // TR-36: a reset that nobody has seen yet. Ours is lost at once.
            if event[1] == "write_eof" && event[2] == "OSError" {
                return Known { events, is_whole: false };
            }
            let mut event = event.clone();
            // D-06: after the end of file it does not read.
            if kind == "state" && has_eof {
                event[1]["reading"] = false.into();
            }
            events.push(event);
        }
        Known { events, is_whole: true }
    }
}

fn reported_other() -> Value {
    serde_json::json!(["reported", "other"])
}
