/// What is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Echo,
    Greet,
    Flood,
    FloodClose,
    Unix,
    Connect,
}

/// What it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    Blocking,
    BusyPoll,
    Selector,
    Sock,
    Proto,
}

/// The roles of layers above these.
const ROLES_ABOVE: [&str; 7] = ["collect", "line", "frame", "idle", "boom", "ww", "tiny"];

impl Role {
    const ALL: [Role; 6] =
        [Role::Echo, Role::Greet, Role::Flood, Role::FloodClose, Role::Unix, Role::Connect];

    fn name(self) -> &'static str {
        match self {
            Role::Echo => "echo",
            Role::Greet => "greet",
            Role::Flood => "flood",
            Role::FloodClose => "floodclose",
            Role::Unix => "unix",
            Role::Connect => "connect",
        }
    }

    /// The options that it takes, beside those that belong to its layer.
    fn options(self) -> &'static [&'static str] {
        match self {
            Role::Echo | Role::Greet => &["host", "port", "backlog"],
            Role::Flood | Role::FloodClose => &["host", "port", "backlog", "bytes"],
            Role::Unix => &["path", "backlog"],
            Role::Connect => &["addr", "he-delay"],
        }
    }
}

impl Layer {
    pub(crate) const ALL: [Layer; 5] =
        [Layer::Blocking, Layer::BusyPoll, Layer::Selector, Layer::Sock, Layer::Proto];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Layer::Blocking => "blocking",
            Layer::BusyPoll => "busy-poll",
            Layer::Selector => "selector",
            Layer::Sock => "sock",
            Layer::Proto => "proto",
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
            Layer::Proto => &Role::ALL,
        }
    }

    pub(crate) fn role(self, name: &str) -> Result<Role, String> {
        let named = |role: &Role| role.name() == name;
        if let Some(role) = self.roles().iter().copied().find(named) {
            return Ok(role);
        }
        let choice = one_of(&names(self.roles().iter().copied()));
        Err(if Role::ALL.iter().any(named) || ROLES_ABOVE.contains(&name) {
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
        if role.options().contains(&option) {
            return Ok(());
        }
        let takers = self.roles().iter().copied().filter(|role| role.options().contains(&option));
        Err(match &*names(takers) {
            [] => format!("option --{option} is not in this layer: no role of it takes one"),
            [taker] => format!("option --{option} is not for this role: only {taker} takes one"),
            [first @ .., last] => {
                let first = first.join(", ");
                format!("option --{option} is not for this role: {first} and {last} take one")
            }
        })
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
