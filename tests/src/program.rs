use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// The binary of a package, such as `chapter-03`, to be run with arguments.
///
/// It is built first if it is missing or older than its source; that is asked once in the life of
/// this process.
///
/// # Errors
///
/// It cannot be built; the message quotes the compiler.
pub fn program(package: &str) -> Result<Command> {
    Ok(Command::new(built(package)?.join(package)))
}

/// An example of a package, such as `accept_once` of `chapter-01`; else as [`program`].
///
/// # Errors
///
/// As [`program`], and if there is no such example.
pub fn example(package: &str, name: &str) -> Result<Command> {
    let path = built(package)?.join("examples").join(name);
    if !path.exists() {
        bail!("{package} has no example {name:?}");
    }
    Ok(Command::new(path))
}

/// Builds a package's binaries and examples, and says where they are.
fn built(package: &str) -> Result<PathBuf> {
    /// The packages built so far, and how that went. Its lock makes a second test wait for the
    /// first one's build.
    static BUILT: Mutex<BTreeMap<String, Result<(), String>>> = Mutex::new(BTreeMap::new());

    let directory = profile_directory()?;
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if !built.contains_key(package) {
        let outcome = build(package, &directory).map_err(|error| format!("{error:#}"));
        built.insert(package.to_owned(), outcome);
    }
    built[package].clone().map_err(anyhow::Error::msg)?;
    Ok(directory)
}

fn build(package: &str, directory: &Path) -> Result<()> {
    let profile = match directory.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--quiet",
            "--package",
            package,
            "--bins",
            "--examples",
            "--profile",
            profile,
            "--target-dir",
        ])
        .arg(directory.parent().context("a profile has a target directory")?)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("{package} cannot be built: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Where cargo puts the programs of this profile: a test runs in its directory `deps`, a binary in
/// itself.
fn profile_directory() -> Result<PathBuf> {
    let this = env::current_exe().context("cannot find this test's own program")?;
    let directory = this.parent().context("a program lies in a directory")?;
    Ok(if directory.ends_with("deps") {
        directory.parent().unwrap_or(directory)
    } else {
        directory
    }
    .to_owned())
}
