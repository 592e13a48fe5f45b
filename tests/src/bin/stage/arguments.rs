use crate::role::{Layer, Role, one_of};
use chapter_01::{BACKLOG, Log};
use chapter_03::SelectorKind;
use chapter_05::{ServerOptions, UnixServerOptions};
use chapter_06::StreamLimits;
use lexopt::{Arg, Error, Parser, ValueExt};
use std::path::PathBuf;
use std::time::Duration;

const USAGE: &str = "\
Plays a role on a layer: a server for the black-box suite and for the curious.

Usage: stage ROLE --layer LAYER [OPTION]...

Roles:   echo                           sends back each byte as it comes
         greet                          says in six digits how many chunks it has
                                        echoed so far, then echoes (sock and above)
         flood                          sends --bytes of F as there is room for
                                        them, then closes (sock and above)
         floodclose                     writes --bytes of F at once and closes
                                        (proto, stream)
         unix                           echoes at --path (proto, stream)
         connect                        a client: connects to one --addr (proto,
                                        stream)
  and on layer stream alone:
         collect                        reads to the end, waits --delay, sends how
                                        many bytes it was and all in upper case
         line                           answers each line with LEN and its length,
                                        or ERR if it is over --limit
         frame                          sends each frame (a length in four bytes,
                                        big-endian, and so many bytes) back with its
                                        bytes reversed
         idle                           never reads
         boom                           echoes, and fails at the line boom
         ww                             writes a and then b for each line
         tiny                           writes 100,000 lines of nine digits at once
                                        and closes
Layers:  blocking, busy-poll, selector  those of chapters 01 to 03
         sock                           the sockets of chapter 04's event loop
         proto                          the transports and protocols of chapter 05
         stream                         the streams of chapter 06

  --host HOST               where to listen (default 127.0.0.1; * is any address of
                            this machine: of both families on layers proto and
                            stream, else IPv4)
  --port PORT               (default 0, which takes any free one)
  --path PATH               where unix listens, in the file system
  --backlog N               how many connections the kernel queues (default 128)
  --bytes N                 what a flood sends each client (default 1048576)
  --limit N                 how long a line may be for a stream, in bytes; of what
                            nobody reads it keeps twice as much (default 65536)
  --delay S                 how many seconds collect waits (default 0)
  --addr HOST:PORT          where connect may connect; once for each address
  --he-delay S              how many seconds connect waits for one address before it
                            tries the next one beside it (default: until it fails)
  --selector mio|polling    what selector and the layers above wait with (default mio)";

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) role: Role,
    pub(crate) layer: Layer,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) path: PathBuf,
    pub(crate) backlog: i32,
    pub(crate) bytes: usize,
    pub(crate) limits: StreamLimits,
    pub(crate) delay: Duration,
    pub(crate) addresses: Vec<String>,
    pub(crate) he_delay: Option<Duration>,
    pub(crate) selector: SelectorKind,
}

/// The options that some role takes, on this layer or above.
const OPTIONS: [&str; 9] =
    ["host", "port", "path", "backlog", "bytes", "addr", "he-delay", "limit", "delay"];

impl Arguments {
    pub(crate) fn read(parser: Parser) -> Result<Arguments, Error> {
        let (role, layer, values) = split(parser)?;
        let role = role.ok_or("which role? see stage --help")?;
        let names = Layer::ALL.map(Layer::name);
        let layer = layer.ok_or_else(|| format!("which layer? give --layer {}", one_of(&names)))?;
        let (layer, mut arguments) = (Layer::named(&layer)?, Arguments::default());
        (arguments.role, arguments.layer) = (layer.role(&role)?, layer);
        for (name, value) in values {
            layer.check_option(arguments.role, &name)?;
            arguments.set(&name, value)?;
        }
        arguments.check()
    }

    fn set(&mut self, name: &str, value: std::ffi::OsString) -> Result<(), Error> {
        match name {
            "host" => self.host = value.string()?,
            "port" => self.port = value.parse()?,
            "path" => self.path = value.into(),
            "backlog" => self.backlog = value.parse()?,
            "bytes" => self.bytes = value.parse()?,
            "limit" => self.limits = value.parse_with(limits)?,
            "delay" => self.delay = value.parse_with(seconds)?,
            "addr" => self.addresses.push(value.string()?),
            "he-delay" => self.he_delay = Some(value.parse_with(seconds)?),
            "selector" => self.selector = value.parse()?,
            _ => unreachable!("a role takes it"),
        }
        Ok(())
    }

    fn check(self) -> Result<Arguments, Error> {
        match self.role {
            Role::Unix if self.path.as_os_str().is_empty() => Err("where? give --path PATH".into()),
            Role::Connect if self.addresses.is_empty() => {
                Err("where to? give --addr HOST:PORT, once for each address".into())
            }
            _ => Ok(self),
        }
    }

    /// Where to listen. There is one port number to announce, however many addresses the host has.
    pub(crate) fn place(&self) -> ServerOptions {
        let place = match self.host.as_str() {
            "*" => ServerOptions::any(self.port),
            host => ServerOptions::host(host.trim_matches(['[', ']']), self.port),
        };
        place.same_port(true).backlog(self.backlog)
    }

    /// Where to listen in the file system.
    pub(crate) fn unix_place(&self) -> UnixServerOptions {
        UnixServerOptions::path(&self.path).backlog(self.backlog)
    }

    /// Where to listen, as `HOST:PORT`.
    pub(crate) fn address(&self) -> String {
        let Arguments { host, port, .. } = self;
        match host.as_str() {
            "*" => format!(":{port}"),
            host if host.contains(':') && !host.starts_with('[') => format!("[{host}]:{port}"),
            host => format!("{host}:{port}"),
        }
    }
}

impl Default for Arguments {
    fn default() -> Arguments {
        Arguments {
            role: Role::Echo,
            layer: Layer::Blocking,
            host: "127.0.0.1".to_owned(),
            port: 0,
            path: PathBuf::new(),
            backlog: BACKLOG,
            bytes: 1 << 20,
            limits: StreamLimits::default(),
            delay: Duration::ZERO,
            addresses: Vec::new(),
            he_delay: None,
            selector: SelectorKind::default(),
        }
    }
}

type Values = Vec<(String, std::ffi::OsString)>;

/// The role, the layer, and the other options as they are written.
fn split(mut parser: Parser) -> Result<(Option<String>, Option<String>, Values), Error> {
    let (mut role, mut layer, mut values) = (None, None, Vec::new());
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(name) if role.is_none() => role = Some(name.string()?),
            Arg::Long("layer") => layer = Some(parser.value()?.string()?),
            Arg::Long("help") | Arg::Short('h') => {
                Log::Stdout.line(|| USAGE);
                std::process::exit(0);
            }
            Arg::Long(name) if name == "selector" || OPTIONS.contains(&name) => {
                let name = name.to_owned();
                values.push((name, parser.value()?));
            }
            _ => return Err(argument.unexpected()),
        }
    }
    Ok((role, layer, values))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|error| format!("{error}"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn limits(text: &str) -> Result<StreamLimits, String> {
    let limit = text.parse().map_err(|error| format!("{error}"))?;
    StreamLimits::new(limit).map_err(|error| error.to_string())
}
