use crate::removal::{Kept, remove_if};
use crate::unix_target::path_address;
use chapter_04::{ErrorContext, running_loop};
use rustix::io::Errno;
use socket2::{Domain, Socket, Type};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Binds a socket to a path. What a server that has crashed has left there is removed.
///
/// The kernel is asked first: it makes the file or says that there is one, in one step, so nothing is
/// looked at where nothing stands in the way.
///
/// # Errors
///
/// `AddrInUse`, and why the file is left; else those of `bind(2)`. The path is named.
pub(crate) fn bind_path(socket: &Socket, path: &Path) -> io::Result<()> {
    let address = path_address(path)?;
    let outcome = match socket.bind(&address) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => match remove_if(path, is_stale) {
            // Who has bound it in the meantime has it.
            Ok(()) | Err(Kept::Gone) => socket.bind(&address),
            Err(kept) => {
                let text = format!("{} is in use: {kept}", path.display());
                return Err(io::Error::new(ErrorKind::AddrInUse, text));
            }
        },
        outcome => outcome,
    };
    outcome.map_err(|error| {
        let text = format!("cannot listen at {}: {error}", path.display());
        io::Error::new(error.kind(), text)
    })
}

/// Whether a file is the socket of nobody.
///
/// It is asked with a datagram socket, for that is never taken for a client. The kernel first looks
/// for the owner, and if there is none, refuses. Then it compares the kinds of the two sockets, which
/// differ, whether or not the owner listens; a stream socket would be refused by a server that is
/// bound and does not serve yet, as if that were dead.
fn is_stale(path: &Path) -> Result<(), Kept> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(Kept::NoSocket);
    }
    let probe = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    match probe.connect(&path_address(path)?) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if Errno::from_io_error(&error) != Some(Errno::PROTOTYPE) => Err(error.into()),
        _ => Err(Kept::Alive),
    }
}

/// The path of a server. Dropping it removes the file, if it is still the same (UX-03).
///
/// It is known by device and inode. The kernel gives their numbers to no other file while the socket
/// is open, so a file that has replaced the server's before it was closed has others.
#[derive(Debug)]
pub(crate) struct PathGuard {
    /// Absolute, for the working directory may be another one by then.
    path: PathBuf,
    /// Not known where the file was not at its path: another server that starts in the same moment
    /// may have it aside, to see whose it is. Then it is removed if it is nobody's.
    identity: Option<Identity>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl PathGuard {
    /// For the file that is at the path now.
    pub(crate) fn new(path: &Path) -> io::Result<PathGuard> {
        let identity = match identity_of(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            found => Some(found?),
        };
        Ok(PathGuard { path: std::path::absolute(path)?, identity })
    }

    fn may_remove(&self, path: &Path) -> Result<(), Kept> {
        match self.identity {
            None => is_stale(path),
            Some(ours) if identity_of(path)? == ours => Ok(()),
            Some(_) => Err(Kept::Replaced),
        }
    }
}

fn identity_of(path: &Path) -> io::Result<Identity> {
    let metadata = fs::symlink_metadata(path)?;
    Ok(Identity { device: metadata.dev(), inode: metadata.ino() })
}

impl Drop for PathGuard {
    fn drop(&mut self) {
        if let Err(Kept::Unknown(error)) = remove_if(&self.path, |path| self.may_remove(path)) {
            report(&format!("{}: {error}", self.path.display()));
        }
    }
}

fn report(text: &str) {
    let context = ErrorContext::new("the path of a closed server was not removed").with_error(text);
    match running_loop() {
        Ok(event_loop) => event_loop.call_exception_handler(&context),
        Err(_) => context.log(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use tempfile::tempdir;

    /// UX-03: the file of a server that was aside when its guard was made is removed as well, unless
    /// somebody has the path by then.
    #[test]
    fn a_file_that_was_aside_is_removed_if_it_is_nobodys() {
        let directory = tempdir().unwrap();
        let at = |name| directory.path().join(name);
        let listener = UnixListener::bind(at("echo")).unwrap();
        fs::rename(at("echo"), at("aside")).unwrap();
        let guard = PathGuard::new(&at("echo")).unwrap();
        fs::rename(at("aside"), at("echo")).unwrap();
        drop((listener, guard));
        assert!(!at("echo").exists());

        let guard = PathGuard::new(&at("echo")).unwrap();
        let _other = UnixListener::bind(at("echo")).unwrap();
        drop(guard);
        assert!(at("echo").exists());
    }
}
