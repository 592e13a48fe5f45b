//! Servers over real sockets, in a thread of their own.

use chapter_03::SelectorKind;
use chapter_04::{LoopHandle, Outcome, run_with, running_loop};
use chapter_05::{Server, ServerOptions, create_server};
use chapter_06::{StreamLimits, StreamProtocol, StreamReader, StreamWriter, start_server};
use grading::{Serving, Trial};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::mpsc;

/// Both ways to wait for sockets.
pub(crate) const KINDS: [SelectorKind; 2] = [SelectorKind::Mio, SelectorKind::Polling];

/// A server with a task for each connection, made by hand, and its address.
pub(crate) fn connections<F>(
    trial: &Trial,
    kind: SelectorKind,
    limits: StreamLimits,
    handle: impl Fn(StreamReader, StreamWriter) -> F + Copy + Send + 'static,
) -> (SocketAddr, Serving<()>)
where
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    serving(trial, kind, async move |_| {
        let protocol = move || {
            StreamProtocol::new(limits, move |reader, writer| {
                running_loop()?.spawn(handle(reader, writer))?.detach();
                Ok(())
            })
        };
        create_server(protocol, ServerOptions::host("127.0.0.1", 0)).await.expect("a port is left")
    })
}

/// A server of streams, and its address. What the loop reports goes to `report`.
pub(crate) fn streams<H, F>(
    trial: &Trial,
    kind: SelectorKind,
    report: impl Fn(String) + Send + 'static,
    handle: impl FnOnce() -> H + Send + 'static,
) -> (SocketAddr, Serving<()>)
where
    H: Fn(StreamReader, StreamWriter) -> F + 'static,
    F: Future + 'static,
    F::Output: Outcome + 'static,
{
    serving(trial, kind, async move |event_loop: LoopHandle| {
        event_loop.set_exception_handler(move |_, context| {
            report(context.error.clone().unwrap_or_else(|| context.message.to_owned()));
        });
        let at = ServerOptions::host("127.0.0.1", 0);
        start_server(handle(), at, StreamLimits::default()).await.expect("a port is left")
    })
}

fn serving(
    trial: &Trial,
    kind: SelectorKind,
    open: impl AsyncFnOnce(LoopHandle) -> Server + Send + 'static,
) -> (SocketAddr, Serving<()>) {
    let (sender, address) = mpsc::channel();
    let serving = trial.serve(move || {
        let run = run_with(kind, async move {
            let server = open(running_loop().expect("it is what runs this")).await;
            let address = server.addresses()[0].ip().expect("it is one of TCP");
            sender.send(address).expect("the check waits for it");
            let _ = server.serve_forever().await;
        });
        // Where it has ended all the same, its clients hear of that.
        let _ = run;
    });
    (address.recv().expect("the server has an address before anything else"), serving)
}
