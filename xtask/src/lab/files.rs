//! The sources of a package, in memory: what is cut, overlaid and compared before it is written.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::workspace::files_under;

/// The longest file that may be handed in, and the most in all: several times what the longest chapter has.
const FILE_BYTES_MAX: u64 = 128 * 1024;
const BYTES_MAX: u64 = 1024 * 1024;

/// Texts by their paths from the package's folder, with `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Files {
    texts: BTreeMap<String, String>,
}

impl Files {
    /// The files in `dir/src`; none if there is no such folder.
    ///
    /// # Errors
    /// If one cannot be read, or is no text.
    pub(crate) fn sources(dir: &Path) -> Result<Self> {
        Self::under(dir, "src")
    }

    /// The files in `dir/folder`; none if there is no such folder.
    ///
    /// # Errors
    /// If one cannot be read, or is no text.
    pub(crate) fn under(dir: &Path, folder: &str) -> Result<Self> {
        let mut files = Self::default();
        if !dir.join(folder).is_dir() {
            return Ok(files);
        }
        for file in files_under(&dir.join(folder))? {
            let text = fs::read_to_string(&file)
                .with_context(|| format!("{} cannot be read", file.display()))?;
            let path = file.strip_prefix(dir).unwrap_or(&file);
            files.set(path.display().to_string().replace('\\', "/"), text);
        }
        Ok(files)
    }

    /// What somebody has handed in: the files in `dir/folder`, as [`Files::under`], but no other ones than regular ones, and none that is
    /// longer than anybody writes by hand.
    ///
    /// # Errors
    /// The one that is not as it should be is named.
    pub(crate) fn handed_in(dir: &Path, folder: &str) -> Result<Self> {
        let mut bytes = 0;
        // A link may lead anywhere, `/` for one.
        if let Ok(about) = fs::symlink_metadata(dir.join(folder)) {
            ensure!(about.is_dir(), "{folder} is a link, or something else that is no folder");
            for file in files_under(&dir.join(folder))? {
                let path = file.strip_prefix(dir).unwrap_or(&file).display();
                let about = fs::symlink_metadata(&file)?;
                ensure!(about.is_file(), "{path} is a link, or something else that is no file");
                bytes += about.len();
                ensure!(
                    about.len() <= FILE_BYTES_MAX && bytes <= BYTES_MAX,
                    "{path} makes it too long: {FILE_BYTES_MAX} bytes a file and {BYTES_MAX} in all are the most"
                );
            }
        }
        Self::under(dir, folder)
    }

    /// The text of `path`.
    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Gives `path` another text, or a first one.
    pub(crate) fn set(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.texts.insert(path.into(), text.into());
    }

    /// Leaves `path` out.
    pub(crate) fn remove(&mut self, path: &str) {
        self.texts.remove(path);
    }

    /// Leaves out all paths that begin with `folder`.
    pub(crate) fn remove_below(&mut self, folder: &str) {
        self.texts.retain(|path, _| !path.starts_with(folder));
    }

    /// The same files with `folder` before their paths.
    pub(crate) fn below(self, folder: &str) -> Self {
        let texts = self.texts.into_iter().map(|(path, text)| (format!("{folder}/{path}"), text));
        Self { texts: texts.collect() }
    }

    /// The paths and their texts, sorted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Adds all of `others`.
    pub(crate) fn extend(&mut self, others: Self) {
        self.texts.extend(others.texts);
    }

    /// Makes `dir` hold these files: what is the same is left alone, so that cargo sees what has
    /// changed and nothing else. Other files in the folders `src` and `graded` go.
    ///
    /// # Errors
    /// If something cannot be written.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        for folder in ["src", "graded"] {
            if !dir.join(folder).is_dir() {
                continue;
            }
            for file in files_under(&dir.join(folder))? {
                let path = file.strip_prefix(dir).unwrap_or(&file);
                if self.get(&path.display().to_string().replace('\\', "/")).is_none() {
                    fs::remove_file(&file)?;
                }
            }
        }
        for (path, text) in self.iter() {
            let file = dir.join(path);
            if fs::read_to_string(&file).is_ok_and(|old| old == text) {
                continue;
            }
            let folder = file.parent().unwrap_or(dir);
            fs::create_dir_all(folder)?;
            fs::write(&file, text)
                .with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Ok(())
    }
}

/// Gives `file` another content: whatever happens meanwhile, it has the old one or the new one.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn replace(file: &Path, content: &[u8]) -> Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let new = file.with_file_name(name);
    let written = fs::write(&new, content).and_then(|()| fs::rename(&new, file));
    written.with_context(|| format!("{} cannot be written", file.display()))
}

#[cfg(all(test, feature = "author"))]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_half_written_is_mended() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Files::default();
        files.set("src/a.rs", "// \u{e9}\n");
        files.write(dir.path()).unwrap();
        for half in ["src/a.rs", "src/b.rs"] {
            fs::write(dir.path().join(half), b"// \xc3").unwrap();
        }
        files.write(dir.path()).unwrap();
        assert_eq!(Files::sources(dir.path()).unwrap(), files);
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("record.json");
        replace(&file, b"old").unwrap();
        // Nothing can be written there.
        fs::create_dir(dir.path().join("record.json.new")).unwrap();
        let error = replace(&file, b"new").unwrap_err().to_string();
        assert!(error.ends_with("record.json cannot be written"), "{error}");
        assert_eq!(fs::read(&file).unwrap(), b"old");
        fs::remove_dir(dir.path().join("record.json.new")).unwrap();
        replace(&file, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }
}
