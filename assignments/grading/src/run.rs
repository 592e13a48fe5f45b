use crate::check::Check;
use crate::order::Channel;
use crate::panics;
use crate::story::{Story, Verdict};
use crate::trial::Trial;
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// Does what the command line asks for: `--list` names the checks, `--order` obeys the grader, a
/// part of a name (and a seed and a selector) runs such checks here, for a person with a debugger.
pub fn run(checks: &[Check]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            println!(
                "Grade all by `cargo x lab grade`; run one here by `cargo test --test graded -- NAME`:"
            );
            list(checks);
            ExitCode::SUCCESS
        }
        ["--list"] => {
            list(checks);
            ExitCode::SUCCESS
        }
        ["--order"] => obey(checks),
        [part, ref more @ ..] => by_hand(checks, part, more),
    }
}

fn list(checks: &[Check]) {
    for Check { task, name, .. } in checks {
        println!("{task} {name}");
    }
}

fn obey(checks: &[Check]) -> ExitCode {
    let (order, channel) = match Channel::open() {
        Ok(opened) => opened,
        Err(error) => {
            eprintln!("--order is for the grader, which says what to do: {error}");
            return ExitCode::FAILURE;
        }
    };
    panics::watch(channel);
    let Some(check) = checks.iter().find(|check| check.name == order.check) else {
        panics::answer("unknown", Value::Null);
        return ExitCode::FAILURE;
    };
    let mut trial = Trial::new(order.seed, check.name, order.selector);
    match verdict(check, &mut trial) {
        Ok(()) => panics::answer("passed", Value::Null),
        Err(story) => panics::answer("failed", story.to_json()),
    };
    // The server's thread may never end; the process does.
    std::process::exit(0)
}

/// What the check says; a panic becomes a story as well.
fn verdict(check: &Check, trial: &mut Trial) -> Verdict {
    let verdict = catch_unwind(AssertUnwindSafe(|| (check.body)(trial)));
    match (verdict, panics::first()) {
        (Ok(Err(mut story)), Some(panic)) => {
            story.events.push(panic);
            Err(story)
        }
        (Ok(verdict), _) => verdict,
        (Err(_), panic) => trial.fail(
            "no panic",
            panic.as_deref().unwrap_or("a panic"),
            "A panic says that the program is wrong: nothing that comes from outside may bring it about.",
        ),
    }
}

fn by_hand(checks: &[Check], part: &str, more: &[&str]) -> ExitCode {
    let seed = more.first().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let selector = more.get(1).map(|&selector| selector.to_owned());
    let chosen: Vec<&Check> = checks.iter().filter(|check| check.name.contains(part)).collect();
    if chosen.is_empty() {
        eprintln!("no check has `{part}` in its name; --list names them");
        return ExitCode::FAILURE;
    }
    let mut code = ExitCode::SUCCESS;
    for check in chosen {
        let mut trial = Trial::new(seed, check.name, selector.clone());
        match (check.body)(&mut trial) {
            Ok(()) => println!("ok    {}", check.name),
            Err(story) => {
                println!("FAIL  {}", check.name);
                tell(&story);
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

pub(crate) fn tell(story: &Story) {
    story.steps.iter().for_each(|step| println!("          {step}"));
    println!("      expected  {}\n      came      {}", story.expected, story.came);
    story.events.iter().chain(&story.threads).for_each(|line| println!("      meanwhile {line}"));
    println!("      because   {}", story.why);
}
