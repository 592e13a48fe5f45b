use chapter_01::{BACKLOG, Log};
use chapter_03::SelectorKind;
use lexopt::{Arg, Error, Parser, ValueExt};

const USAGE: &str = "\
Plays a role on a layer: a server for the black-box suite and for the curious.

Usage: stage ROLE --layer LAYER [OPTION]...

Roles:   echo                           sends back each byte as it comes
         greet                          says in six digits how many chunks it has
                                        echoed so far, then echoes (layer sock)
         flood                          sends --bytes of F, then closes (layer sock)
Layers:  blocking, busy-poll, selector  those of chapters 01 to 03
         sock                           the sockets of chapter 04's event loop

  --host HOST               where to listen (default 127.0.0.1; * is any IPv4 address)
  --port PORT               (default 0, which takes any free one)
  --backlog N               how many connections the kernel queues (default 128)
  --bytes N                 what flood sends each client (default 1048576)
  --selector mio|polling    what layers selector and sock wait with (default mio)";

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) role: Role,
    pub(crate) layer: Layer,
    pub(crate) backlog: i32,
    pub(crate) bytes: u64,
    pub(crate) selector: SelectorKind,
    host: String,
    port: u16,
}

/// What a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Echo,
    Greet,
    Flood,
}

/// What it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    Blocking,
    BusyPoll,
    Selector,
    Sock,
}

/// The roles of layers above these.
const ROLES_ABOVE: [&str; 10] =
    ["collect", "line", "frame", "floodclose", "idle", "boom", "ww", "tiny", "unix", "connect"];
/// The options that only those roles take.
const OPTIONS_ABOVE: [&str; 5] = ["path", "limit", "delay", "addr", "he-delay"];

impl Arguments {
    pub(crate) fn read(mut parser: Parser) -> Result<Arguments, Error> {
        let (mut role, mut layer) = (None, None);
        let (mut host, mut port, mut backlog) = ("127.0.0.1".to_owned(), 0, BACKLOG);
        let (mut bytes, mut selector) = (None, None);
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Value(name) if role.is_none() => role = Some(name.string()?),
                Arg::Long("layer") => layer = Some(Layer::named(&parser.value()?.string()?)?),
                Arg::Long("host") => host = parser.value()?.string()?,
                Arg::Long("port") => port = parser.value()?.parse()?,
                Arg::Long("backlog") => backlog = parser.value()?.parse()?,
                Arg::Long("bytes") => bytes = Some(parser.value()?.parse()?),
                Arg::Long("selector") => selector = Some(parser.value()?.parse()?),
                Arg::Long("help") | Arg::Short('h') => {
                    Log::Stdout.line(|| USAGE);
                    std::process::exit(0);
                }
                Arg::Long(name) if OPTIONS_ABOVE.contains(&name) => {
                    let reason = "no role of it takes one";
                    return Err(format!("option --{name} is not in this layer: {reason}").into());
                }
                _ => return Err(argument.unexpected()),
            }
        }
        let role: String = role.ok_or("which role? see stage --help")?;
        let names = Layer::ALL.map(Layer::name);
        let layer: Layer =
            layer.ok_or_else(|| format!("which layer? give --layer {}", one_of(&names)))?;
        let role = layer.role(&role)?;
        if selector.is_some() && !layer.has_selector() {
            return Err("option --selector is not in this layer: it waits with none".into());
        }
        if bytes.is_some() && role != Role::Flood {
            return Err("option --bytes is not for this role: only flood takes one".into());
        }
        let (bytes, selector) = (bytes.unwrap_or(1 << 20), selector.unwrap_or_default());
        Ok(Arguments { role, layer, backlog, bytes, selector, host, port })
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

impl Role {
    const ALL: [Role; 3] = [Role::Echo, Role::Greet, Role::Flood];

    fn name(self) -> &'static str {
        match self {
            Role::Echo => "echo",
            Role::Greet => "greet",
            Role::Flood => "flood",
        }
    }
}

impl Layer {
    const ALL: [Layer; 4] = [Layer::Blocking, Layer::BusyPoll, Layer::Selector, Layer::Sock];

    fn name(self) -> &'static str {
        match self {
            Layer::Blocking => "blocking",
            Layer::BusyPoll => "busy-poll",
            Layer::Selector => "selector",
            Layer::Sock => "sock",
        }
    }

    fn named(name: &str) -> Result<Layer, String> {
        let choice = || one_of(&Layer::ALL.map(Layer::name));
        let found = Layer::ALL.into_iter().find(|layer| layer.name() == name);
        found.ok_or_else(|| format!("there is no layer {name:?}: choose {}", choice()))
    }

    fn has_selector(self) -> bool {
        matches!(self, Layer::Selector | Layer::Sock)
    }

    /// The roles that this layer plays.
    fn roles(self) -> &'static [Role] {
        match self {
            Layer::Blocking | Layer::BusyPoll | Layer::Selector => &[Role::Echo],
            Layer::Sock => &Role::ALL,
        }
    }

    fn role(self, name: &str) -> Result<Role, String> {
        let named = |role: &Role| role.name() == name;
        if let Some(role) = self.roles().iter().find(|role| named(role)) {
            return Ok(*role);
        }
        let names: Vec<_> = self.roles().iter().map(|role| role.name()).collect();
        let choice = one_of(&names);
        Err(if Role::ALL.iter().any(named) || ROLES_ABOVE.contains(&name) {
            format!("role {name:?} is not in this layer: choose {choice}")
        } else {
            format!("there is no role {name:?}: choose {choice}")
        })
    }
}

/// The names as a choice: `a, b or c`.
fn one_of(names: &[&str]) -> String {
    match names {
        [first @ .., before, last] => {
            let first: String = first.iter().flat_map(|name| [*name, ", "]).collect();
            format!("{first}{before} or {last}")
        }
        _ => names.concat(),
    }
}
