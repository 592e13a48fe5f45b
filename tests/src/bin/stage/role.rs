/// What is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Echo,
    Greet,
    Flood,
    FloodClose,
    Unix,
    Connect,
    Collect,
    Line,
    Frame,
    Idle,
    Boom,
    SeparateBytes,
    Tiny,
}

/// What it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    Blocking,
    BusyPoll,
    Selector,
    Sock,
    Proto,
    Stream,
}

impl Role {
    const ALL: [Role; 13] = [
        Role::Echo,
        Role::Greet,
        Role::Flood,
        Role::FloodClose,
        Role::Unix,
        Role::Connect,
        Role::Collect,
        Role::Line,
        Role::Frame,
        Role::Idle,
        Role::Boom,
        Role::SeparateBytes,
        Role::Tiny,
    ];

    fn name(self) -> &'static str {
        match self {
            Role::Echo => "echo",
            Role::Greet => "greet",
            Role::Flood => "flood",
            Role::FloodClose => "floodclose",
            Role::Unix => "unix",
            Role::Connect => "connect",
            Role::Collect => "collect",
            Role::Line => "line",
            Role::Frame => "frame",
            Role::Idle => "idle",
            Role::Boom => "boom",
            Role::SeparateBytes => "ww",
            Role::Tiny => "tiny",
        }
    }

    /// The options that it takes, beside those that belong to its layer.
    fn options(self) -> &'static [&'static str] {
        match self {
            Role::Flood | Role::FloodClose => &["host", "port", "backlog", "bytes"],
            Role::Collect => &["host", "port", "backlog", "delay"],
            Role::Unix => &["path", "backlog"],
            Role::Connect => &["addr", "he-delay"],
            _ => &["host", "port", "backlog"],
        }
    }
}

impl Layer {
    pub(crate) const ALL: [Layer; 6] = [
        Layer::Blocking,
        Layer::BusyPoll,
        Layer::Selector,
        Layer::Sock,
        Layer::Proto,
        Layer::Stream,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Layer::Blocking => "blocking",
            Layer::BusyPoll => "busy-poll",
            Layer::Selector => "selector",
            Layer::Sock => "sock",
            Layer::Proto => "proto",
            Layer::Stream => "stream",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Layer, String> {
        let choice = || one_of(&Layer::ALL.map(Layer::name));
        let found = Layer::ALL.into_iter().find(|layer| layer.name() == name);
        found.ok_or_else(|| format!("there is no layer {name:?}: choose {}", choice()))
    }

    /// The roles that this layer plays.
    fn roles(self) -> &'static [Role] {
        match self {
            Layer::Blocking | Layer::BusyPoll | Layer::Selector => &[Role::Echo],
            Layer::Sock => &[Role::Echo, Role::Greet, Role::Flood],
            Layer::Proto => {
                &[Role::Echo, Role::Greet, Role::Flood, Role::FloodClose, Role::Unix, Role::Connect]
            }
            Layer::Stream => &Role::ALL,
        }
    }

    pub(crate) fn role(self, name: &str) -> Result<Role, String> {
        let named = |role: &Role| role.name() == name;
        if let Some(role) = self.roles().iter().copied().find(named) {
            return Ok(role);
        }
        let choice = one_of(&names(self.roles().iter().copied()));
        Err(if Role::ALL.iter().any(named) {
            format!("role {name:?} is not in this layer: choose {choice}")
        } else {
            format!("there is no role {name:?}: choose {choice}")
        })
    }

    /// Refuses an option that the role does not take on this layer.
    pub(crate) fn check_option(self, role: Role, option: &str) -> Result<(), String> {
        if option == "selector" {
            let has_one = !matches!(self, Layer::Blocking | Layer::BusyPoll);
            let refusal = "option --selector is not in this layer: it waits with none";
            return if has_one { Ok(()) } else { Err(refusal.to_owned()) };
        }
        if self.takes(role, option) {
            return Ok(());
        }
        let takers = self.roles().iter().copied().filter(|role| self.takes(*role, option));
        Err(match &*names(takers) {
            [] => format!("option --{option} is not in this layer: no role of it takes one"),
            [taker] => format!("option --{option} is not for this role: only {taker} takes one"),
            [first @ .., last] => {
                let first = first.join(", ");
                format!("option --{option} is not for this role: {first} and {last} take one")
            }
        })
    }

    /// A limit belongs to the stream of a server's client, whether or not the role reads from it.
    fn takes(self, role: Role, option: &str) -> bool {
        match option {
            "limit" => self == Layer::Stream && role != Role::Connect,
            _ => role.options().contains(&option),
        }
    }
}

fn names(roles: impl Iterator<Item = Role>) -> Vec<&'static str> {
    roles.map(Role::name).collect()
}

/// The names as a choice: `a, b or c`.
pub(crate) fn one_of(names: &[&str]) -> String {
    match names {
        [first @ .., before, last] => {
            let first: String = first.iter().flat_map(|name| [*name, ", "]).collect();
            format!("{first}{before} or {last}")
        }
        _ => names.concat(),
    }
}
