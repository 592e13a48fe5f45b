//! `cargo x book serve`: the finished pages over HTTP, built anew whenever one of their sources changes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use percent_encoding::percent_decode_str;

use crate::book;
use crate::workspace::{Workspace, files_under};

/// Where the book is served, if nothing else is asked for.
pub(crate) const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3000);

/// How often the sources are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A client that says nothing for so long is hung up on.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request line and its headers are at most this many bytes.
const REQUEST_MAX: u64 = 16 * 1024;

/// Serves the book on `address` until the process is ended.
///
/// Each build goes into the one of two folders that is not being served, so that a failed one leaves the old pages as
/// they are.
///
/// # Errors
/// If `address` is not a loopback address or cannot be listened on, or if the first build fails.
pub(crate) fn serve(workspace: &Workspace, address: SocketAddr) -> Result<()> {
    if !address.ip().is_loopback() {
        bail!(
            "{address} is no loopback address; this server is for the author alone, try 127.0.0.1:3000"
        );
    }
    let listener =
        TcpListener::bind(address).with_context(|| format!("{address} cannot be listened on"))?;
    let folders = ["a", "b"].map(|name| workspace.target.join("book-serve").join(name));
    let mut state = sources(workspace)?;
    rebuild(&workspace.root, &folders[0])?;
    let served = Arc::new(RwLock::new(folders[0].clone()));
    println!("http://{}", listener.local_addr()?);
    let shared = Arc::clone(&served);
    thread::spawn(move || accept(&listener, &shared));

    for next in folders.iter().cycle().skip(1) {
        state = changed(workspace, state);
        while let Err(error) = rebuild(&workspace.root, next) {
            eprintln!("{error:#}\nthe old pages stay until this is mended");
            state = changed(workspace, state);
        }
        *served.write().unwrap_or_else(PoisonError::into_inner) = next.clone();
        println!("built anew");
    }
    Ok(())
}

/// Looks at the workspace afresh, in a thread of its own: the parser keeps the text of all that it parsed until its thread
/// ends.
fn rebuild(root: &Path, folder: &Path) -> Result<()> {
    thread::scope(|scope| scope.spawn(|| book::build(&Workspace::around(root)?, folder)).join())
        .unwrap_or_else(|_| bail!("the build panicked"))
}

/// Waits until the sources are no longer in `state`, and gives the new one.
fn changed(workspace: &Workspace, state: Vec<(PathBuf, SystemTime)>) -> Vec<(PathBuf, SystemTime)> {
    loop {
        thread::sleep(LOOK_EVERY);
        // An editor may take a file away for a moment while it saves; the next look will see the new one.
        if let Ok(new) = sources(workspace)
            && new != state
        {
            return new;
        }
    }
}

/// Every file that may be part of the book, with the time of its last change.
fn sources(workspace: &Workspace) -> Result<Vec<(PathBuf, SystemTime)>> {
    let mut found = Vec::new();
    let members = workspace.packages.iter().map(|package| package.dir.clone());
    let built = workspace.book().join("build");
    for folder in members.chain([workspace.book()]) {
        for file in files_under(&folder)?.into_iter().filter(|file| !file.starts_with(&built)) {
            let time = file.metadata()?.modified()?;
            found.push((file, time));
        }
    }
    Ok(found)
}

fn accept(listener: &TcpListener, served: &Arc<RwLock<PathBuf>>) {
    // A thread for each request: whoever asks from this machine bounds them, and each lasts no longer than its patience.
    for stream in listener.incoming() {
        let served = Arc::clone(served);
        thread::spawn(move || {
            let folder = served.read().unwrap_or_else(PoisonError::into_inner).clone();
            // A browser that hangs up in the middle is no concern of ours.
            let _ = stream.and_then(|stream| answer(&stream, &folder));
        });
    }
}

/// Reads one request and answers it from `folder`.
fn answer(stream: &TcpStream, folder: &Path) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(stream.take(REQUEST_MAX)).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // Closing a socket with unread bytes would reset it, and the browser would lose the answer.
    for header in lines {
        if header?.is_empty() {
            break;
        }
    }
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !matches!(method, "GET" | "HEAD") {
        return respond(
            stream,
            "405 Method Not Allowed",
            "text/plain",
            b"only GET and HEAD\n",
            true,
        );
    }
    let body = file_for(target, folder).and_then(|file| {
        let mut body = Vec::new();
        File::open(&file).and_then(|mut open| open.read_to_end(&mut body)).ok()?;
        Some((content_type(&file), body))
    });
    match body {
        Some((kind, body)) => respond(stream, "200 OK", kind, &body, method == "GET"),
        None => respond(
            stream,
            "404 Not Found",
            "text/plain; charset=utf-8",
            b"no such page\n",
            method == "GET",
        ),
    }
}

/// The file in `folder` that the request's target names; none if there is none or if it leads out of `folder`.
fn file_for(target: &str, folder: &Path) -> Option<PathBuf> {
    let path = target.split(['?', '#']).next()?.strip_prefix('/')?;
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let root = folder.canonicalize().ok()?;
    // Whatever `..` and symbolic links the path holds, this is where it really leads.
    let file = root.join(&*path).canonicalize().ok()?;
    let file = if file.is_dir() { file.join("index.html") } else { file };
    (file.starts_with(&root) && file.is_file()).then_some(file)
}

fn respond(
    mut stream: &TcpStream,
    status: &str,
    kind: &str,
    body: &[u8],
    with_body: bool,
) -> io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )?;
    if with_body { stream.write_all(body) } else { Ok(()) }
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
