//! Who is there, and who is told what.
//!
//! Nothing in this file waits. To tell everybody something is to write to each, and a write keeps
//! what the kernel does not take. So no member waits for another, all are told the same in the same
//! order, and nobody comes or goes meanwhile. The price is memory, and it has a bound: whoever is
//! more than [`BEHIND_MAX`] behind is dropped.

use chapter_01::Log;
use chapter_06::StreamWriter;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// How far a member may be behind, in bytes that the kernel has not taken for it.
///
/// It is what a member who does not read can cost us. Beside what the kernel keeps for it, it is
/// little: whoever has both full is more likely gone than slow. Where one talks faster than another
/// can read, it is the other who is dropped.
pub(crate) const BEHIND_MAX: usize = 64 * 1024;

/// How long a name may be, in letters and digits.
const NAME_MAX: usize = 20;

/// What a client has to do otherwise, for its eyes.
type Mistake = String;

/// The room. Its owners are the server and each seat.
pub(crate) struct Room {
    /// In the order in which they came.
    members: RefCell<Vec<Rc<Member>>>,
    log: Log,
}

/// One who is there, or was: that is for the room's list to say. Its owners are the list and its
/// seat.
struct Member {
    name: String,
    writer: Rc<StreamWriter>,
}

/// A member's place, which its task owns. To drop it is to leave: however the task ends, even if it
/// panics or is cancelled, its member is not left on the list.
pub(crate) struct Seat {
    room: Rc<Room>,
    member: Rc<Member>,
}

impl Room {
    pub(crate) fn new(log: Log) -> Rc<Room> {
        Rc::new(Room { members: RefCell::default(), log })
    }

    /// Makes a client a member, and tells the others.
    pub(crate) fn join(
        self: &Rc<Room>,
        name: &str,
        writer: &Rc<StreamWriter>,
    ) -> Result<Seat, Mistake> {
        self.check(name)?;
        let member = Rc::new(Member { name: name.to_owned(), writer: Rc::clone(writer) });
        let seat = Seat { room: Rc::clone(self), member: Rc::clone(&member) };
        self.members.borrow_mut().push(Rc::clone(&member));
        let names: Vec<_> = self.members().iter().map(|member| member.name.clone()).collect();
        member.hears(&format!("* welcome, {name}; here: {}\n", names.join(", ")));
        self.announce(&member, "has joined");
        Ok(seat)
    }

    /// Tells everybody a last line and closes their connections. Then nobody is here.
    pub(crate) fn close(&self) {
        for member in self.members.take() {
            member.hears("* the chat is over\n");
            member.writer.transport().close();
        }
    }

    fn check(&self, name: &str) -> Result<(), Mistake> {
        Err(match name {
            "" => "a name has at least one letter".to_owned(),
            _ if name.chars().count() > NAME_MAX => {
                format!("a name has at most {NAME_MAX} letters")
            }
            _ if !name.chars().all(char::is_alphanumeric) => {
                "a name has letters and digits only".to_owned()
            }
            _ if self.find(name).is_some() => format!("{name} is taken: choose another name"),
            _ => return Ok(()),
        })
    }

    fn find(&self, name: &str) -> Option<Rc<Member>> {
        self.members.borrow().iter().find(|member| member.name == name).cloned()
    }

    /// A copy of the list: nothing of the room is borrowed while somebody is told something.
    fn members(&self) -> Vec<Rc<Member>> {
        self.members.borrow().clone()
    }

    fn others(&self, one: &Rc<Member>) -> Vec<Rc<Member>> {
        let mut others = self.members();
        others.retain(|other| !Rc::ptr_eq(other, one));
        others
    }

    /// Takes one off the list; `false` if it is not there. Not by its name, which may be somebody
    /// else's by now.
    fn strike_off(&self, member: &Rc<Member>) -> bool {
        let others = self.others(member);
        let before = self.members.replace(others);
        before.len() > self.members.borrow().len()
    }

    /// Tells the others, and the log, what has become of one.
    fn announce(&self, about: &Rc<Member>, what: &str) {
        let news = format!("* {} {what}", about.name);
        self.log.line(|| &news);
        self.tell(&self.others(about), &news);
    }

    /// Tells some a line, and then everybody who was dropped over it. That can be too much for
    /// others, and so on, but each is dropped once.
    fn tell(&self, listeners: &[Rc<Member>], line: &str) {
        let mut dropped = VecDeque::from(self.write(listeners, line));
        while let Some(member) = dropped.pop_front() {
            let news = format!("* {} was dropped: it does not read", member.name);
            self.log.line(|| &news);
            dropped.extend(self.write(&self.members(), &news));
        }
    }

    /// Writes a line to some, and gives those who are too far behind then: they are members no more.
    fn write(&self, listeners: &[Rc<Member>], line: &str) -> Vec<Rc<Member>> {
        let line = format!("{line}\n");
        let mut dropped = Vec::new();
        for member in listeners {
            if !member.hears(&line) && self.strike_off(member) {
                member.writer.transport().abort();
                dropped.push(Rc::clone(member));
            }
        }
        dropped
    }
}

impl Member {
    /// Writes it a line; `false` if it is too far behind now.
    fn hears(&self, line: &str) -> bool {
        // An error says that the connection has ended, as its own task is about to find out.
        let _ = self.writer.write(line.as_bytes());
        self.writer.transport().write_buffer_size() <= BEHIND_MAX
    }
}

impl Seat {
    /// Tells the others a line; or one of them, if it begins with `@NAME` and a space.
    ///
    /// One who was dropped is not heard any more, although lines of it may be left to be read.
    pub(crate) fn say(&self, line: &str) -> Result<(), Mistake> {
        let Seat { room, member } = self;
        if !room.members().iter().any(|other| Rc::ptr_eq(other, member)) {
            return Ok(());
        }
        match line.strip_prefix('@').and_then(|line| line.split_once(' ')) {
            Some((name, text)) => {
                let to = room.find(name).ok_or_else(|| format!("nobody here is called {name}"))?;
                room.tell(&[to], &format!("{} to you: {text}", member.name));
            }
            None => room.tell(&room.others(member), &format!("{}: {line}", member.name)),
        }
        Ok(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.room.strike_off(&self.member) {
            self.room.announce(&self.member, "has left");
        }
    }
}
