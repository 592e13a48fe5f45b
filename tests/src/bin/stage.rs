//! The scenario server: one role, played on one layer. `stage --help` says which.
//!
//! It prints `LISTENING <port>` once it serves. SIGTERM and SIGINT end it at once: the layers that
//! it has so far have no loop that could hear a signal.

use chapter_01::{BACKLOG, EchoBytes, Log, exit_code, listen_at, local_address, serve};
use chapter_02::BusyPoll;
use chapter_03::{EchoServer, SelectorKind};
use lexopt::{Arg, Parser, ValueExt};
use socket2::Socket;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

const USAGE: &str = "\
Plays a role on a layer: a server for the black-box suite and for the curious.

Usage: stage ROLE --layer LAYER [OPTION]...

Roles:   echo                           sends back each byte as it comes
Layers:  blocking, busy-poll, selector  those of chapters 01 to 03

  --host HOST               where to listen (default 127.0.0.1; * is any IPv4 address)
  --port PORT               (default 0, which takes any free one)
  --backlog N               how many connections the kernel queues (default 128)
  --selector mio|polling    what layer selector waits with (default mio)";

fn main() -> ExitCode {
    match Arguments::read(Parser::from_env()) {
        Ok(arguments) => exit_code("stage", run(&arguments)),
        Err(error) => {
            eprintln!("stage: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let listener = listen_at(&arguments.address(), arguments.backlog)?;
    let port = local_address(&listener)?.port();
    let server = arguments.layer.server(listener, arguments)?;
    writeln!(io::stdout(), "LISTENING {port}")?;
    server()
}

/// A server that is ready to run.
type Server = Box<dyn FnOnce() -> anyhow::Result<()>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Blocking,
    BusyPoll,
    Selector,
}

impl Layer {
    fn named(name: &str) -> Result<Layer, String> {
        match name {
            "blocking" => Ok(Layer::Blocking),
            "busy-poll" => Ok(Layer::BusyPoll),
            "selector" => Ok(Layer::Selector),
            _ => Err(format!("there is no layer {name:?}: choose blocking, busy-poll or selector")),
        }
    }

    /// The role `echo` on this layer. A role that more than one layer plays is a parameter here,
    /// next to the layer.
    fn server(self, listener: Socket, arguments: &Arguments) -> anyhow::Result<Server> {
        Ok(match self {
            Layer::Blocking => {
                Box::new(move || match serve(&listener, || EchoBytes, Log::Quiet)? {})
            }
            Layer::BusyPoll => {
                listener.set_nonblocking(true)?;
                let mut server = BusyPoll::new(listener, || EchoBytes, Log::Quiet);
                Box::new(move || {
                    server.run(&AtomicBool::new(false))?;
                    Ok(())
                })
            }
            Layer::Selector => {
                let kind = arguments.selector.unwrap_or_default();
                let mut server = EchoServer::new(listener, kind, || EchoBytes, Log::Quiet)?;
                Box::new(move || match server.run()? {})
            }
        })
    }
}

/// What the command line asks for.
#[derive(Debug)]
struct Arguments {
    layer: Layer,
    host: String,
    port: u16,
    backlog: i32,
    selector: Option<SelectorKind>,
}

/// The roles that `stage` plays on its layers so far.
const ROLES_HERE: [&str; 1] = ["echo"];
/// The other roles, and the options that only they take: they belong to layers above these.
const ROLES_ABOVE: [&str; 12] = [
    "greet",
    "flood",
    "collect",
    "line",
    "frame",
    "floodclose",
    "idle",
    "boom",
    "ww",
    "tiny",
    "unix",
    "connect",
];
const OPTIONS_ABOVE: [&str; 6] = ["path", "limit", "bytes", "delay", "addr", "he-delay"];

impl Arguments {
    fn read(mut parser: Parser) -> Result<Arguments, lexopt::Error> {
        let (mut role, mut layer) = (None, None);
        let (mut host, mut port, mut backlog, mut selector) =
            ("127.0.0.1".to_owned(), 0, BACKLOG, None);
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Value(name) if role.is_none() => role = Some(name.string()?),
                Arg::Long("layer") => layer = Some(Layer::named(&parser.value()?.string()?)?),
                Arg::Long("host") => host = parser.value()?.string()?,
                Arg::Long("port") => port = parser.value()?.parse()?,
                Arg::Long("backlog") => backlog = parser.value()?.parse()?,
                Arg::Long("selector") => selector = Some(parser.value()?.parse()?),
                Arg::Long("help") | Arg::Short('h') => {
                    Log::Stdout.line(|| USAGE);
                    std::process::exit(0);
                }
                Arg::Long(name) if OPTIONS_ABOVE.contains(&name) => {
                    return Err(format!(
                        "option --{name} is not in this layer: no role of it takes one"
                    )
                    .into());
                }
                _ => return Err(argument.unexpected()),
            }
        }
        let role: String = role.ok_or("which role? see stage --help")?;
        if ROLES_ABOVE.contains(&role.as_str()) {
            return Err(format!("role {role:?} is not in this layer: choose echo").into());
        }
        if !ROLES_HERE.contains(&role.as_str()) {
            return Err(format!("there is no role {role:?}: choose echo").into());
        }
        let layer = layer.ok_or("which layer? give --layer blocking, busy-poll or selector")?;
        if selector.is_some() && layer != Layer::Selector {
            return Err(
                "option --selector is not in this layer: only layer selector has one".into()
            );
        }
        Ok(Arguments { layer, host, port, backlog, selector })
    }

    /// Where to listen, as `HOST:PORT`.
    fn address(&self) -> String {
        let Arguments { host, port, .. } = self;
        match host.as_str() {
            "*" => format!(":{port}"),
            host if host.contains(':') && !host.starts_with('[') => format!("[{host}]:{port}"),
            host => format!("{host}:{port}"),
        }
    }
}
