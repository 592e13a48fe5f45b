use std::fmt;
use std::ops::{BitOr, BitOrAssign, Sub};
use std::task::Poll;

/// The name of a registered source.
///
/// It is never given twice: the token of a source that is gone names nothing, even when its place
/// in the selector is taken by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token {
    /// The place in the selector's table.
    pub(crate) index: u32,
    /// Which of the sources that were ever in this place.
    pub(crate) serial: u32,
}

// Kernels hand back one word with each event: both halves of a token must fit in.
const _: () = assert!(usize::BITS >= 64, "a token needs a 64-bit word");

impl Token {
    pub(crate) fn to_word(self) -> usize {
        (self.serial as usize) << 32 | self.index as usize
    }

    pub(crate) fn from_word(word: usize) -> Token {
        Token { index: word as u32, serial: (word >> 32) as u32 }
    }
}

/// For which directions a source is watched: what we ask.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Interest(u8);

impl Interest {
    /// Neither: the selector keeps the source, the kernel does not watch it.
    pub const NONE: Interest = Interest(0);
    /// Until something can be received, or accepted.
    pub const READ: Interest = Interest(1);
    /// Until something can be sent, or a connect has come to its end.
    pub const WRITE: Interest = Interest(2);
    /// For whichever comes first.
    pub const BOTH: Interest = Interest(3);
}

/// What a source is ready for: what we are told, and remember.
///
/// It is a hint and can be wrong in one direction: a source that is said to be ready may answer
/// "not yet" (a *spurious* report), so ask it without blocking.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Readiness(u8);

impl Readiness {
    /// Nothing is known.
    pub const NONE: Readiness = Readiness(0);
    /// Something can be received or accepted, or an error can be read.
    pub const READABLE: Readiness = Readiness(1);
    /// Something can be sent, or an error can be read.
    pub const WRITABLE: Readiness = Readiness(2);
    /// Nothing more will arrive behind what has arrived: the peer has closed, or the connection is
    /// lost. (A level-triggered back end need not say so when the peer has closed its side only: it
    /// reports the end of file again.)
    pub const READ_CLOSED: Readiness = Readiness(4);
    /// What has arrived is divided by an urgent byte, at which a receive stops.
    pub const URGENT: Readiness = Readiness(8);

    /// Everything that concerns what arrives.
    const INCOMING: Readiness =
        Readiness(Readiness::READABLE.0 | Readiness::READ_CLOSED.0 | Readiness::URGENT.0);

    /// Whether there may be something to receive or accept.
    #[inline]
    pub fn is_readable(self) -> bool {
        self.contains(Readiness::READABLE)
    }

    /// Whether there may be room to send.
    #[inline]
    pub fn is_writable(self) -> bool {
        self.contains(Readiness::WRITABLE)
    }

    /// Whether the peer has closed or the connection is lost.
    #[inline]
    pub fn is_read_closed(self) -> bool {
        self.contains(Readiness::READ_CLOSED)
    }

    /// The directions that this readiness concerns.
    #[inline]
    pub fn directions(self) -> Interest {
        let reads = self.0 & Readiness::INCOMING.0 != 0;
        Interest::READ.when(reads) | Interest::WRITE.when(self.contains(Readiness::WRITABLE))
    }

    /// The part that concerns `interest`.
    #[inline]
    #[must_use]
    pub fn within(self, interest: Interest) -> Readiness {
        let mut part = Readiness::NONE;
        if interest.contains(Interest::READ) {
            part = Readiness::INCOMING;
        }
        if interest.contains(Interest::WRITE) {
            part |= Readiness::WRITABLE;
        }
        Readiness(self.0 & part.0)
    }

    /// Learns from a receive into a buffer of `room` bytes: is there a point in the next one?
    ///
    /// "Not yet" says no. So does a short read, for a TCP stream gives all it has (`epoll(7)`,
    /// question 9), and that saves the one receive that is bound to fail. There are two exceptions.
    /// When the peer has closed, the end of file stands behind those bytes: it was reported
    /// together with them and is not reported again. And a receive stops short of an urgent byte,
    /// although more bytes may stand behind it.
    #[inline]
    pub fn after_receive(&mut self, received: &Poll<usize>, room: usize) {
        match received {
            Poll::Pending => *self = *self - Readiness::INCOMING,
            Poll::Ready(count) if *count < room && !self.outlives_a_short_read() => {
                *self = *self - Readiness::READABLE;
            }
            Poll::Ready(_) => {}
        }
    }

    #[inline]
    fn outlives_a_short_read(self) -> bool {
        self.0 & (Readiness::READ_CLOSED.0 | Readiness::URGENT.0) != 0
    }

    /// Learns from a send that did not take everything: the kernel's buffer is full.
    #[inline]
    pub fn after_partial_send(&mut self) {
        *self = *self - Readiness::WRITABLE;
    }
}

/// A source and what it is ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The source.
    pub token: Token,
    /// At least one direction that it was asked about.
    pub readiness: Readiness,
}

macro_rules! set_operations {
    ($($set:ident: $($name:ident)*;)*) => {$(
        impl $set {
            /// Whether all of `other` is part of this.
            #[inline]
            pub fn contains(self, other: $set) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether anything of `other` is part of this.
            #[inline]
            pub fn intersects(self, other: $set) -> bool {
                self.0 & other.0 != 0
            }

            /// `self` if `condition` holds, else nothing.
            #[inline]
            #[must_use]
            pub fn when(self, condition: bool) -> $set {
                if condition { self } else { $set::NONE }
            }
        }

        impl BitOr for $set {
            type Output = $set;

            #[inline]
            fn bitor(self, other: $set) -> $set {
                $set(self.0 | other.0)
            }
        }

        impl BitOrAssign for $set {
            #[inline]
            fn bitor_assign(&mut self, other: $set) {
                *self = *self | other;
            }
        }

        /// What is in the first set and not in the second.
        impl Sub for $set {
            type Output = $set;

            #[inline]
            fn sub(self, other: $set) -> $set {
                $set(self.0 & !other.0)
            }
        }

        impl fmt::Debug for $set {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let all = [$(($set::$name, stringify!($name))),*];
                let members = all.iter().filter(|(one, _)| self.contains(*one));
                let names: Vec<_> = members.map(|(_, name)| *name).collect();
                f.write_str(&if names.is_empty() { "NONE".to_owned() } else { names.join(" | ") })
            }
        }
    )*};
}

set_operations! {
    Interest: READ WRITE;
    Readiness: READABLE WRITABLE READ_CLOSED URGENT;
}

#[cfg(test)]
mod tests {
    use super::*;

    const READABLE: Readiness = Readiness::READABLE;
    const CLOSED: Readiness = Readiness(READABLE.0 | Readiness::READ_CLOSED.0);

    #[test]
    fn a_token_survives_its_way_through_the_kernel() {
        let token = Token { index: u32::MAX, serial: u32::MAX - 1 };
        assert_eq!(Token::from_word(token.to_word()), token);
        assert_ne!(token.to_word(), usize::MAX);
    }

    #[test]
    fn a_flag_is_cleared_by_not_yet_and_by_a_short_read_before_the_end() {
        let after = |before: Readiness, received: Poll<usize>| {
            let mut readiness = before | Readiness::WRITABLE;
            readiness.after_receive(&received, 10);
            assert!(
                readiness.contains(Readiness::WRITABLE),
                "the other direction is not concerned"
            );
            readiness - Readiness::WRITABLE
        };
        assert_eq!(after(READABLE, Poll::Ready(10)), READABLE);
        assert_eq!(after(READABLE, Poll::Ready(9)), Readiness::NONE);
        assert_eq!(after(READABLE, Poll::Pending), Readiness::NONE);
        assert_eq!(after(CLOSED, Poll::Ready(9)), CLOSED);
        let urgent = READABLE | Readiness::URGENT;
        assert_eq!(after(urgent, Poll::Ready(9)), urgent);
        assert_eq!(after(urgent, Poll::Pending), Readiness::NONE);
        // A flag that was wrong must not make its owner spin.
        assert_eq!(after(CLOSED, Poll::Pending), Readiness::NONE);
    }

    #[test]
    fn sets_name_their_members() {
        assert_eq!(
            format!("{:?} {:?} {:?}", Interest::NONE, Interest::BOTH, CLOSED),
            "NONE READ | WRITE READABLE | READ_CLOSED"
        );
    }
}
