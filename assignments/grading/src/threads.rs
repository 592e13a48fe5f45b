//! What the other threads of this process are doing, from `/proc`.

use std::fs;
use std::path::Path;

/// One thread, but for the one that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thread {
    number: u32,
    name: String,
    sleeps: bool,
    /// How often it has begun or ceased to run.
    switches: u64,
}

/// All others, in the order of their numbers; none where the platform does not tell.
pub(crate) fn others() -> Vec<Thread> {
    let own = rustix::thread::gettid().as_raw_nonzero().get() as u32;
    let mut threads: Vec<Thread> = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number != own)
        .filter_map(Thread::read)
        .collect();
    threads.sort_by_key(|thread| thread.number);
    threads
}

impl Thread {
    fn read(number: u32) -> Option<Thread> {
        let status = fs::read_to_string(format!("/proc/self/task/{number}/status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.map(str::trim)
        };
        let count = |name: &str| field(name).and_then(|text| text.parse::<u64>().ok());
        Some(Thread {
            number,
            name: field("Name:")?.to_owned(),
            sleeps: field("State:")?.starts_with('S'),
            switches: count("voluntary_ctxt_switches:")? + count("nonvoluntary_ctxt_switches:")?,
        })
    }

    pub(crate) fn sleeps(&self) -> bool {
        self.sleeps
    }

    /// What it does, for a story: `server sleeps in recvfrom`.
    pub(crate) fn describe(&self) -> String {
        let Thread { number, name, .. } = self;
        if !self.sleeps {
            return format!("thread {name:?} runs");
        }
        let path = format!("/proc/self/task/{number}/syscall");
        match fs::read_to_string(Path::new(&path)).ok().as_deref().and_then(call) {
            Some(call) => format!("thread {name:?} sleeps in {call}"),
            None => format!("thread {name:?} sleeps"),
        }
    }
}

/// The name of the system call of a line of `/proc/PID/syscall`: its number comes first.
fn call(line: &str) -> Option<&'static str> {
    let number = line.split_whitespace().next()?.parse::<libc::c_long>().ok()?;
    let known = [
        (libc::SYS_accept4, "accept"),
        (libc::SYS_accept, "accept"),
        (libc::SYS_clock_nanosleep, "sleep"),
        (libc::SYS_connect, "connect"),
        (libc::SYS_epoll_pwait, "epoll_wait"),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_epoll_wait, "epoll_wait"),
        (libc::SYS_futex, "futex"),
        (libc::SYS_nanosleep, "sleep"),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_poll, "poll"),
        (libc::SYS_ppoll, "poll"),
        (libc::SYS_read, "read"),
        (libc::SYS_recvfrom, "recv"),
        (libc::SYS_recvmsg, "recvmsg"),
        (libc::SYS_sendmsg, "sendmsg"),
        (libc::SYS_sendto, "send"),
        (libc::SYS_write, "write"),
        (libc::SYS_writev, "writev"),
    ];
    known.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn a_thread_that_waits_for_a_client_is_seen_to_sleep() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server =
            thread::Builder::new().name("server".to_owned()).spawn(move || listener.accept());
        let asleep =
            || others().into_iter().find(|thread| thread.name == "server" && thread.sleeps);
        let thread = loop {
            // It may sleep for a moment before it gets there.
            match asleep() {
                Some(thread) if !thread.describe().ends_with("futex") => break thread,
                _ => thread::yield_now(),
            }
        };
        let said = thread.describe();
        assert!(said.starts_with("thread \"server\" sleeps"), "{said}");
        std::net::TcpStream::connect(address).unwrap();
        server.unwrap().join().unwrap().unwrap();
    }

    #[test]
    fn a_call_is_known_by_its_number() {
        let line = format!("{} 0x3 0x0", libc::SYS_recvfrom);
        assert_eq!(call(&line), Some("recv"));
        assert_eq!(call("running"), None);
    }
}
