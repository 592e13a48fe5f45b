use anyhow::{Context, Result, bail};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The binary of a package, such as `chapter-03`, to be run with arguments.
///
/// It is built first if it is missing or older than its source; that is asked once in the life of
/// this process.
///
/// # Errors
///
/// It cannot be built; the message quotes the compiler.
pub fn program(package: &str) -> Result<Command> {
    let path = built()?.join(package);
    if !path.exists() {
        bail!("there is no program {package:?}");
    }
    Ok(Command::new(path))
}

/// An example of a package, such as `accept_once` of `chapter-01`; else as [`program`].
///
/// # Errors
///
/// As [`program`], and if there is no such example.
pub fn example(package: &str, name: &str) -> Result<Command> {
    let path = built()?.join("examples").join(name);
    if !path.exists() {
        bail!("{package} has no example {name:?}");
    }
    Ok(Command::new(path))
}

/// Builds the binaries and examples of all chapters, and says where they are.
///
/// All at once: with these packages together, cargo takes the features of what they share that it
/// takes for the whole workspace, and finds almost everything compiled.
fn built() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<(), String>> = OnceLock::new();

    let directory = profile_directory()?;
    BUILT
        .get_or_init(|| build(&directory).map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(anyhow::Error::msg)?;
    Ok(directory)
}

fn build(directory: &Path) -> Result<()> {
    let profile = match directory.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--package", "chapter-*", "--bins", "--examples"])
        .args(["--profile", profile, "--target-dir"])
        .arg(directory.parent().context("a profile has a target directory")?)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the chapters cannot be built: {}", String::from_utf8_lossy(&output.stderr));
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
