//! What chapter 05's transports do, in which order, beside what asyncio's do: the same scenarios are
//! played with both.
//!
//! `tests/scenarios/played` has the scenarios. Where asyncio is wrong, the scenario says so, by the
//! defect's number, and has the right trace beside it. `tests/scenarios/record.py` has recorded
//! asyncio's traces; where there is a python3, it is asked again.

mod generator;
mod played;
mod python;
mod random;
mod shrink;

use anyhow::{Context, Result, ensure};
use conformance::{TEST_MAX, within};
use played::{SELECTORS, Scenario, trace};
use python::Python;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// Plays a file of scenarios over both selectors. Each gives the right trace, which is asyncio's
/// unless the scenario names a defect.
fn plays(file: &str) -> Result<()> {
    let scenarios = Scenario::read(file)?;
    ensure!(!scenarios.is_empty(), "{file} has no scenario");
    play_those(file, &scenarios)
}

fn play_those(file: &str, scenarios: &[Scenario]) -> Result<()> {
    let recorded = played::recorded("3.11")?;
    let mut differences = String::new();
    for selector in SELECTORS {
        let traces = within(TEST_MAX, file, || trace(&played::path(file), selector))?;
        for scenario in scenarios {
            let name = &scenario.name;
            let right = scenario.defect.as_ref().map(|defect| &defect.right);
            let right = match right {
                Some(right) => right,
                None => recorded.get(name).with_context(|| format!("{name} is not recorded"))?,
            };
            if traces[name] != *right {
                let ours = &traces[name];
                writeln!(differences, "{name} over {selector}:\n  {ours}\nand not\n  {right}")?;
            }
        }
    }
    ensure!(differences.is_empty(), "{differences}");
    Ok(())
}

/// TR-08, TR-13, TR-17, TR-19, TR-25, TR-26, TR-29, TR-30, TR-34, TR-36, TR-42, FC-07, FC-08.
#[test]
fn the_first_scenarios_show_one_thing_each() -> Result<()> {
    plays("first")
}

/// TR-01, TR-02, TR-03, TR-04, TR-08, TR-11, TR-25, TR-26, TR-28, TR-29, TR-30, TR-32, TR-33,
/// TR-34, TR-36, TR-37, TR-43, FC-05, PR-02, PR-03.
#[test]
fn a_connection_lives_and_ends_as_in_asyncio() -> Result<()> {
    plays("life")
}

/// TR-06, TR-07, TR-08, TR-18, TR-26, TR-33, TR-35, TR-42.
#[test]
fn reading_pauses_and_ends_as_in_asyncio() -> Result<()> {
    plays("reading")
}

/// TR-16, TR-17, TR-18, TR-20, TR-21, TR-24, TR-25, TR-26, TR-29, TR-36, FC-12.
#[test]
fn what_is_written_goes_out_as_in_asyncio() -> Result<()> {
    plays("writing")
}

/// TR-25, TR-27, TR-36, FC-01, FC-02, FC-03, FC-04, FC-05, FC-06, FC-07, FC-08, FC-11.
#[test]
fn water_marks_have_asyncio_s_edges() -> Result<()> {
    plays("flow")
}

/// TR-11, TR-12, TR-13, TR-15, TR-26, TR-29, FC-09.
#[test]
fn callbacks_that_fail_end_their_connection_as_in_asyncio() -> Result<()> {
    plays("failing")
}

/// TR-01, TR-08, TR-17, TR-18, TR-25, TR-26, TR-29, TR-32, TR-33, FC-03, FC-04, FC-05, FC-08,
/// FC-10, FC-11.
#[test]
fn callbacks_may_use_their_transport_as_in_asyncio() -> Result<()> {
    plays("reentry")
}

/// Where scenarios of these files name this defect, ours is the right trace, and asyncio's is another
/// one: in the versions that the scenario names, as recorded, and in the python3 that is here, if it
/// is one of them.
fn asyncio_is_wrong(id: &str, files: &[&str]) -> Result<()> {
    let python = Python::find()?;
    for file in files {
        let mut scenarios = Scenario::read(file)?;
        scenarios.retain(|scenario| scenario.defect.as_ref().is_some_and(|defect| defect.id == id));
        ensure!(!scenarios.is_empty(), "no scenario of {file} names {id}");
        play_those(file, &scenarios)?;
        for version in played::VERSIONS {
            differs(&scenarios, version, &played::recorded(version)?)?;
        }
        if let Some(python) = &python {
            differs(&scenarios, &python.version, &python.traces(&played::path(file))?)?;
        }
    }
    Ok(())
}

/// Whether these traces of asyncio's are the right ones is as the scenarios say.
fn differs(scenarios: &[Scenario], version: &str, traces: &Map<String, Value>) -> Result<()> {
    if !played::VERSIONS.contains(&version) {
        println!("not compared: nothing is known of Python {version}");
        return Ok(());
    }
    for Scenario { name, defect, .. } in scenarios {
        let Some(defect) = defect else { continue };
        let is_wrong = defect.wrong.iter().any(|wrong| wrong == version);
        let trace = traces.get(name).with_context(|| format!("{name} has no trace"))?;
        ensure!((*trace != defect.right) == is_wrong, "{name}: Python {version} gives {trace}");
    }
    Ok(())
}

/// D-06: after an end of file that leaves the connection open, asyncio still says that it is
/// reading, and a pause with a resume delivers the end of file again. Here the receiving half is
/// over (TR-08, TR-09).
#[test]
fn d_06_the_end_of_file_is_told_once() -> Result<()> {
    asyncio_is_wrong("D-06", &["first", "defects"])
}

/// D-07: asyncio only reports it when `connection_made` fails: the creator gets a connection, and
/// its half-made protocol gets data. Here the connection is lost, and the creator is told (TR-14).
#[test]
fn d_07_a_connection_that_was_not_made_is_lost() -> Result<()> {
    asyncio_is_wrong("D-07", &["defects"])
}

/// D-10: in asyncio 3.12 and 3.13 `writelines` never pauses the protocol, and fails with a type
/// error after `close`. Here it is as many writes, by the one way that there is (TR-24, FC-03,
/// TR-20).
#[test]
fn d_10_writelines_is_as_many_writes() -> Result<()> {
    asyncio_is_wrong("D-10", &["defects"])
}

/// D-11: in asyncio from 3.12 on, an empty piece in the write buffer keeps the connection from its
/// end. Here nothing empty is kept (TR-24, TR-26).
#[test]
fn d_11_an_empty_piece_is_nothing() -> Result<()> {
    asyncio_is_wrong("D-11", &["defects"])
}

/// D-12: when `resume_writing` closes, asyncio tears the connection down twice and reports an
/// internal error; after a flushed close, `abort` and `write` raise one. Here one way leads to the
/// end (TR-27, TR-32).
#[test]
fn d_12_a_connection_ends_once() -> Result<()> {
    asyncio_is_wrong("D-12", &["defects"])
}

/// FC-03, TR-36: no defects, but dropped on purpose. A high mark that is crossed inside a callback is
/// told right after it, for a protocol is never entered twice. `write_eof` after a reset that nobody
/// has seen yet finds the reset, which then ends the connection; asyncio raises the error of
/// `shutdown(2)` to the caller.
#[test]
fn where_we_differ_on_purpose() -> Result<()> {
    asyncio_is_wrong("FC-03", &["defects"])?;
    asyncio_is_wrong("TR-36", &["defects"])
}

/// The rules that scenarios name are rules of the contract, and each scenario of the list is
/// recorded.
#[test]
fn every_scenario_names_rules_and_is_recorded() -> Result<()> {
    const CONTRACT: &str = include_str!("../../CONTRACT.md");
    for file in played::files()? {
        for scenario in Scenario::read(&file)? {
            let Scenario { name, rules, .. } = &scenario;
            ensure!(!rules.is_empty(), "{name} names no rule");
            for rule in rules {
                ensure!(CONTRACT.contains(&format!("\n| {rule} |")), "{name}: no rule {rule}");
            }
            for version in played::VERSIONS {
                let is_recorded = played::recorded(version)?.get(name).is_some();
                ensure!(is_recorded, "{name} is not recorded for {version}: run record.py");
            }
        }
    }
    Ok(())
}

/// The recorded traces are those that asyncio gives.
#[test]
fn asyncio_gives_what_is_recorded() -> Result<()> {
    let Some(python) = Python::find()? else { return Ok(()) };
    if !played::VERSIONS.contains(&python.version.as_str()) {
        println!("not compared: nothing is recorded of Python {}", python.version);
        return Ok(());
    }
    let recorded = played::recorded(&python.version)?;
    for file in played::files()? {
        let traces = within(TEST_MAX, &file, || python.traces(&played::path(&file)))?;
        for (name, trace) in &traces {
            ensure!(recorded[name] == *trace, "{name}: {trace}, recorded {}", recorded[name]);
        }
    }
    Ok(())
}

/// Scenarios that nobody has thought of: both sides do the same, but for what is known.
#[test]
fn random_scenarios_give_asyncio_s_traces() -> Result<()> {
    let Some(python) = Python::find()? else { return Ok(()) };
    random::seeds()?.into_iter().try_for_each(|seed| {
        within(TEST_MAX, "random scenarios", || random::compare(seed, &python))
    })
}

/// A command line or a file that is not understood is refused, by the scenario and the step.
#[test]
fn what_is_not_understood_is_refused_by_its_place() -> Result<()> {
    let cases = [
        ("{}", "a list of scenarios"),
        ("[", "EOF while parsing"),
        (r#"[{"on": {}, "do": []}]"#, r#"scenario number 1: it lacks member "name""#),
        (r#"[{"name": "a", "do": []}]"#, r#"scenario "a": it lacks member "on""#),
        (r#"[{"name": "a", "on": {}}]"#, r#"scenario "a": it lacks member "do""#),
        (
            r#"[{"name": "a", "on": {}, "do": []}, {"name": "a", "on": {}, "do": []}]"#,
            r#"two scenarios "a""#,
        ),
        (
            r#"[{"name": "a", "on": {}, "do": [["settle"], ["juggle", 3]]}]"#,
            r#"scenario "a": member "do": step 2 of it, ["juggle",3]: there is no step "juggle""#,
        ),
        (r#"[{"name": "a", "on": {}, "do": ["settle"]}]"#, "step 1 of it, \"settle\": a step is a"),
        (r#"[{"name": "a", "on": {}, "do": [["settle", 1]]}]"#, "it takes no argument"),
        (r#"[{"name": "a", "on": {}, "do": [["write"]]}]"#, "it takes one argument"),
        (r#"[{"name": "a", "on": {}, "do": [["write", -1]]}]"#, "a number of bytes from 0"),
        (r#"[{"name": "a", "on": {}, "do": [["writelines", 3]]}]"#, "a list of numbers"),
        (r#"[{"name": "a", "on": {}, "do": [["limits", {"top": 1}]]}]"#, "no water mark \"top\""),
        (r#"[{"name": "a", "on": {}, "do": [["limits", {"high": "x"}]]}]"#, "high is no number"),
        (r#"[{"name": "a", "on": {}, "do": [["raise"]]}]"#, "there is no step \"raise\" here"),
        (
            r#"[{"name": "a", "on": {"made": [["settle"]]}, "do": []}]"#,
            r#"scenario "a": reactions to "made": step 1 of it, ["settle"]: there is no step"#,
        ),
        (r#"[{"name": "a", "on": {"dta": []}, "do": []}]"#, "there is no callback \"dta\""),
        (r#"[{"name": "a", "on": {"data": [["only", 0]]}, "do": []}]"#, "from 1 on"),
        (r#"[{"name": "a", "on": {"keep_open": 1}, "do": []}]"#, "true or false"),
    ];
    for (text, expected) in cases {
        played::refused(&[&played::write(text)?.path().display().to_string()], expected)?;
    }
    played::refused(&["no-such-file.json"], "no-such-file.json: No such file")?;
    played::refused(&[], "which scenarios?")?;
    played::refused(&["a.json", "b.json"], "\"b.json\"")?;
    played::refused(&["a.json", "--selector", "crystal-ball"], "crystal-ball")
}
