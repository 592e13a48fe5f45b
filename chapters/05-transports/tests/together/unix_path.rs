//! The path of a Unix server: whose it is, and when it is removed.

use crate::guests::{self, Book, until};
use crate::net::{LIMIT, both, register, within};
use chapter_04::{run, spawn, yield_now};
use chapter_05::{Server, UnixServerOptions, create_unix_server};
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Barrier};
use std::thread;
use tempfile::tempdir;

async fn serve(at: impl Into<UnixServerOptions>) -> io::Result<Server> {
    create_unix_server(Book::new().factory(), at).await
}

async fn refused(path: &Path) -> io::Error {
    serve(path).await.map(drop).unwrap_err()
}

/// Asserts that there is nothing in a directory but these.
#[track_caller]
fn assert_holds<const N: usize>(directory: &Path, names: [&str; N]) {
    let mut found: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    found.sort();
    assert_eq!(found, names);
}

/// Has a byte echoed by whoever serves the path.
async fn ping(path: &Path) {
    let client = register(UnixStream::connect(path).unwrap());
    guests::ping(&client).await;
}

/// UX-01: what a server that has crashed has left is removed, be it of streams or of datagrams.
#[test]
fn a_stale_path_is_taken_over() {
    both(|_| async {
        let directory = tempdir().unwrap();
        let path = directory.path().join("echo");
        drop(UnixListener::bind(&path).unwrap());
        let server = serve(&*path).await.unwrap();
        ping(&path).await;
        drop(server);
        drop(UnixDatagram::bind(&path).unwrap());
        let server = serve(&*path).await.unwrap();
        ping(&path).await;
        assert_holds(directory.path(), ["echo"]);
        drop(server);
        assert_holds(directory.path(), []);
    });
}

/// UX-01: a file of any other kind is left as it is, and the error says so. A link is one, too: what
/// it leads to is not removed, and it is not followed.
#[test]
fn a_file_of_another_kind_is_left() {
    both(|_| async {
        let directory = tempdir().unwrap();
        let at = |name| directory.path().join(name);
        drop(UnixListener::bind(at("stale")).unwrap());
        fs::write(at("file"), "precious").unwrap();
        fs::create_dir(at("directory")).unwrap();
        symlink(at("stale"), at("link")).unwrap();
        symlink(at("nowhere"), at("broken-link")).unwrap();
        for name in ["file", "directory", "link", "broken-link"] {
            let error = refused(&at(name)).await;
            assert_eq!(error.kind(), ErrorKind::AddrInUse);
            let text = format!("{} is in use: it is no socket; ", at(name).display());
            assert!(error.to_string().starts_with(&text), "{error}");
        }
        assert_eq!(fs::read(at("file")).unwrap(), b"precious");
        let left = ["broken-link", "directory", "file", "link", "stale"];
        assert_holds(directory.path(), left);
    });
}

/// The inverse of D-31 (UX-02): the path of a live server is not taken, whether it serves, is only
/// bound, has a full queue, or takes datagrams. It does not even notice: no client comes.
#[test]
fn d_31_the_path_of_a_live_server_is_never_stolen() {
    both(|_| async {
        let directory = tempdir().unwrap();
        let at = |name| directory.path().join(name);
        let in_use = async |name| {
            let error = refused(&at(name)).await;
            assert_eq!(error.kind(), ErrorKind::AddrInUse);
            let text = format!("{} is in use: stop the program ", at(name).display());
            assert!(error.to_string().starts_with(&text), "{error}");
        };
        let book = Book::new();
        let server = create_unix_server(book.factory(), at("serves")).await.unwrap();
        in_use("serves").await;
        ping(&at("serves")).await;
        assert_eq!(book.asked.get(), 1);
        assert!(server.is_serving());

        let bound = serve(UnixServerOptions::path(at("bound")).start_serving(false)).await.unwrap();
        in_use("bound").await;
        bound.start_serving().await.unwrap();
        ping(&at("bound")).await;

        let full = UnixListener::bind(at("full")).unwrap();
        socket2::SockRef::from(&full).listen(0).unwrap();
        let _client = UnixStream::connect(at("full")).unwrap();
        in_use("full").await;
        let _datagrams = UnixDatagram::bind(at("datagrams")).unwrap();
        in_use("datagrams").await;
        assert_holds(directory.path(), ["bound", "datagrams", "full", "serves"]);
    });
}

/// D-31 and UX-01: two servers find the same stale path at the same moment. One has it, and the path
/// leads to that one.
#[test]
fn d_31_of_two_servers_that_start_at_once_one_has_the_path() {
    within(2 * LIMIT, "a server hangs", || {
        let directory = tempdir().unwrap();
        let path = directory.path().join("echo");
        for round in 0..200 {
            drop(UnixListener::bind(&path).unwrap());
            let (begin, tried) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(3)));
            let checked = Arc::new(Barrier::new(3));
            let servers = [(); 2].map(|()| {
                let (path, begin) = (path.clone(), Arc::clone(&begin));
                let (tried, checked) = (Arc::clone(&tried), Arc::clone(&checked));
                thread::spawn(move || {
                    run(async move {
                        begin.wait();
                        let server = serve(&*path).await;
                        tried.wait();
                        // The kernel has who connects now in the queue.
                        checked.wait();
                        server.map(drop).map_err(|error| error.kind())
                    })
                    .unwrap()
                })
            });
            tried.wait();
            let client = UnixStream::connect(&path);
            assert_holds(directory.path(), ["echo"]);
            checked.wait();
            let outcomes = servers.map(|server| server.join().unwrap());
            client.unwrap_or_else(|error| panic!("round {round}: {error}, {outcomes:?}"));
            let mut sorted = outcomes;
            sorted.sort();
            assert_eq!(sorted, [Ok(()), Err(ErrorKind::AddrInUse)], "round {round}");
            assert_holds(directory.path(), []);
        }
    });
}

/// UX-03: the path is removed when the server is closed, in whichever way it ends.
#[test]
fn the_path_is_removed_when_the_server_is_closed() {
    both(|_| async {
        let directory = tempdir().unwrap();
        let path = directory.path().join("echo");
        let server = serve(&*path).await.unwrap();
        server.close();
        assert_holds(directory.path(), []);
        drop(serve(&*path).await.unwrap());
        assert_holds(directory.path(), []);
        drop(serve(UnixServerOptions::path(&path).start_serving(false)).await.unwrap());
        assert_holds(directory.path(), []);

        let server = Rc::new(serve(&*path).await.unwrap());
        let serving = Rc::clone(&server);
        let forever = spawn(async move { serving.serve_forever().await });
        ping(&path).await;
        forever.cancel();
        until(|| forever.is_finished()).await;
        assert_holds(directory.path(), []);
    });
}

/// UX-03: a server that ends with its loop leaves no path behind.
#[test]
fn the_path_is_removed_when_the_loop_ends() {
    within(LIMIT, "the loop hangs", || {
        let directory = tempdir().unwrap();
        let path = directory.path().join("echo");
        let at = path.clone();
        run(async move {
            let server = serve(at).await.unwrap();
            spawn(async move { server.serve_forever().await }).detach();
            yield_now().await;
        })
        .unwrap();
        assert_holds(directory.path(), []);
    });
}

/// UX-03: a path that leads somewhere else by now is left, and so is one that was to stay.
#[test]
fn a_path_that_is_not_ours_any_more_is_left() {
    both(|_| async {
        let directory = tempdir().unwrap();
        let at = |name| directory.path().join(name);
        let replaced = serve(at("echo")).await.unwrap();
        fs::remove_file(at("echo")).unwrap();
        let other = UnixListener::bind(at("echo")).unwrap();
        drop(replaced);
        let mut client = UnixStream::connect(at("echo")).unwrap();
        client.write_all(b"!").unwrap();
        let mut byte = [0];
        other.accept().unwrap().0.read_exact(&mut byte).unwrap();
        assert_eq!(byte, *b"!");

        let gone = serve(at("gone")).await.unwrap();
        fs::remove_file(at("gone")).unwrap();
        drop(gone);
        drop(serve(UnixServerOptions::path(at("stays")).cleanup(false)).await.unwrap());
        let moved = serve(at("moved")).await.unwrap();
        fs::rename(at("moved"), at("elsewhere")).unwrap();
        drop(moved);
        assert_holds(directory.path(), ["echo", "elsewhere", "stays"]);
    });
}
