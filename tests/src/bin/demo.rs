//! Runs a chapter's programs with scripted clients and tells what happens, while it happens: `cargo
//! run -p conformance --bin demo -- chapter-01`.

use anyhow::{Context, Result, bail};
use chapter_01::{Log, exit_code};
use conformance::{SCENES, Scene};
use std::collections::BTreeSet;
use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    exit_code("demo", run())
}

fn run() -> Result<()> {
    let (asked, known) =
        (env::args_os().nth(1).map(|name| name.to_string_lossy().into_owned()), names());
    let asked = asked.with_context(|| format!("which one? give one of {known}"))?;
    let scenes: Vec<&Scene> =
        SCENES.iter().filter(|scene| [scene.chapter, scene.name].contains(&&*asked)).collect();
    if scenes.is_empty() {
        bail!("there is no demo {asked:?}: choose one of {known}");
    }
    for (place, scene) in scenes.into_iter().enumerate() {
        if place > 0 {
            tell("");
        }
        tell(&format!("# {}", scene.title));
        scene.play(&[], tell)?;
    }
    Ok(())
}

/// Nobody reading is no fault.
fn tell(line: &str) {
    Log::Stdout.line(|| line.to_owned());
}

/// Whole chapters first, then single scenes.
fn names() -> String {
    let chapters: BTreeSet<&str> = SCENES.iter().map(|scene| scene.chapter).collect();
    let names: Vec<&str> =
        chapters.into_iter().chain(SCENES.iter().map(|scene| scene.name)).collect();
    names.join(", ")
}
