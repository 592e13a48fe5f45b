use rustix::io::Errno;
use std::io;

/// What a failed `accept` says about the server: nothing, that it is full, or that it is over.
///
/// `accept(2)` reports three kinds of trouble by one error number, and a server that ends on each
/// of them can be ended by any of its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptFault {
    /// The client is gone, or its network is. The next one may be fine.
    Client,
    /// No descriptor or no memory is left (`EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`), or something
    /// else that may last. The client stays in the kernel's queue, so to ask again at once would
    /// fail again at once: wait a little.
    Exhausted,
    /// The listening socket itself does not work (`EBADF`, `EFAULT`, `EINVAL`, `ENOTSOCK`).
    Listener,
}

impl AcceptFault {
    /// Sorts an error of `accept(2)`, other than "would block" and "interrupted", which are no
    /// errors here.
    pub fn of(error: &io::Error) -> AcceptFault {
        match Errno::from_io_error(error) {
            Some(Errno::BADF | Errno::FAULT | Errno::INVAL | Errno::NOTSOCK) => {
                AcceptFault::Listener
            }
            // Linux passes on what the network already knows to be wrong with the new connection.
            Some(
                Errno::CONNABORTED
                | Errno::PROTO
                | Errno::NOPROTOOPT
                | Errno::OPNOTSUPP
                | Errno::PERM
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::TIMEDOUT,
            )
            | None => AcceptFault::Client,
            // What is not known may last, so it is not asked for again at once.
            Some(_) => AcceptFault::Exhausted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listener_s_own_faults_end_a_server() {
        let of = |errno: Errno| AcceptFault::of(&errno.into());
        assert_eq!(of(Errno::CONNABORTED), AcceptFault::Client);
        assert_eq!(of(Errno::HOSTUNREACH), AcceptFault::Client);
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            assert_eq!(of(errno), AcceptFault::Exhausted, "{errno}");
        }
        assert_eq!(of(Errno::BADF), AcceptFault::Listener);
    }
}
