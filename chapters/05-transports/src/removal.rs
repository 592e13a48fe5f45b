use std::fmt;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why a file is left where it is.
#[derive(Debug)]
pub(crate) enum Kept {
    /// There is none any more.
    Gone,
    /// It is another one than that which was meant.
    Replaced,
    /// A program has a socket there.
    Alive,
    NoSocket,
    /// It cannot be known, or the file not be removed.
    Unknown(io::Error),
}

/// Removes a file if `may_go` says so: between a look at a path and what is done with it, somebody
/// else may have put another file there.
///
/// So the file is first moved aside, which takes whatever is there in one step; then it is looked at
/// again, and if it is not what was seen, put back. Nobody who comes between the look and the removal
/// loses his path.
///
/// What remains: for the length of a few system calls a file that is put back is not found under its
/// path, and if a third program puts one there in that time, the path is that one's. To rule this
/// out, all programs would have to keep a lock. And one that is killed in between leaves the file
/// under the other name: a dot and eight hexadecimal digits. A socket whose path is so long that this
/// is longer than an address can be is left, for nobody can ask whose it is.
///
/// # Errors
///
/// Why the file is left.
pub(crate) fn remove_if(
    path: &Path,
    may_go: impl Fn(&Path) -> Result<(), Kept>,
) -> Result<(), Kept> {
    may_go(path)?;
    let aside = name_beside(path);
    fs::rename(path, &aside)?;
    match may_go(&aside) {
        Ok(()) => Ok(fs::remove_file(&aside)?),
        Err(kept) => {
            put_back(&aside, path)?;
            Err(kept)
        }
    }
}

/// In the same directory, for a file cannot be moved further in one step; and short, for it has to be
/// an address as well.
fn name_beside(path: &Path) -> PathBuf {
    let number = RandomState::new().hash_one(path) as u32;
    path.with_file_name(format!(".{number:08x}"))
}

/// A link replaces nothing that is there by now. Where the system refuses it, as for a file of
/// another user, moving it is better than to lose it.
fn put_back(aside: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(aside, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => fs::rename(aside, path),
        _ => fs::remove_file(aside),
    }
}

impl From<io::Error> for Kept {
    fn from(error: io::Error) -> Kept {
        match error.kind() {
            ErrorKind::NotFound => Kept::Gone,
            _ => Kept::Unknown(error),
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kept::Gone => f.write_str("it is gone"),
            Kept::Replaced => f.write_str("another file is there"),
            Kept::Alive => f.write_str("stop the program that has it, or choose another path"),
            Kept::NoSocket => f.write_str("it is no socket; remove it, or choose another path"),
            Kept::Unknown(error) => error.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use tempfile::{TempDir, tempdir};

    /// A directory with one file, and what happens to that at each look.
    struct Scene {
        directory: TempDir,
        path: PathBuf,
        looks: Cell<usize>,
    }

    impl Scene {
        fn new(content: &str) -> Scene {
            let directory = tempdir().unwrap();
            let path = directory.path().join("it");
            fs::write(&path, content).unwrap();
            Scene { directory, path, looks: Cell::new(0) }
        }

        /// Removes the file if it says "old", and has something happen after each look.
        fn remove(&self, meanwhile: impl Fn(usize)) -> Result<(), Kept> {
            remove_if(&self.path, |path| {
                let seen = fs::read(path)?;
                let look = self.looks.replace(self.looks.get() + 1);
                meanwhile(look);
                if seen == b"old" { Ok(()) } else { Err(Kept::Replaced) }
            })
        }

        /// Asserts that nothing is left but this, under the path.
        #[track_caller]
        fn assert_left(&self, content: &str) {
            assert_eq!(fs::read_to_string(&self.path).unwrap(), content);
            assert_eq!(self.directory.path().read_dir().unwrap().count(), 1);
        }
    }

    /// UX-01 and UX-03.
    #[test]
    fn only_what_may_go_is_removed() {
        let scene = Scene::new("old");
        scene.remove(|_| ()).unwrap();
        assert_eq!(scene.directory.path().read_dir().unwrap().count(), 0);
        assert!(matches!(scene.remove(|_| ()), Err(Kept::Gone)));
        let scene = Scene::new("other");
        assert!(matches!(scene.remove(|_| ()), Err(Kept::Replaced)));
        assert_eq!(scene.looks.get(), 1, "it was not moved");
        scene.assert_left("other");
    }

    /// The inverse of D-31 (UX-02): who takes the path between the look and the removal keeps it.
    #[test]
    fn d_31_what_is_put_there_after_the_look_is_put_back() {
        let scene = Scene::new("old");
        let outcome = scene.remove(|look| {
            if look == 0 {
                fs::remove_file(&scene.path).unwrap();
                fs::write(&scene.path, "new").unwrap();
            }
        });
        assert!(matches!(outcome, Err(Kept::Replaced)));
        scene.assert_left("new");
    }

    /// The file is removed by somebody else after the look: there is nothing to do.
    #[test]
    fn what_is_gone_after_the_look_is_gone() {
        let scene = Scene::new("old");
        assert!(matches!(scene.remove(|_| fs::remove_file(&scene.path).unwrap()), Err(Kept::Gone)));
    }

    /// D-31: what remains. A third one that takes the path while a file is aside has it.
    #[test]
    fn d_31_who_comes_while_a_file_is_aside_is_not_replaced() {
        let scene = Scene::new("old");
        let outcome = scene.remove(|look| {
            let contents = ["new", "newest"];
            // After the second look, the path is free.
            let _ = fs::remove_file(&scene.path);
            fs::write(&scene.path, contents[look]).unwrap();
        });
        assert!(matches!(outcome, Err(Kept::Replaced)));
        scene.assert_left("newest");
    }
}
