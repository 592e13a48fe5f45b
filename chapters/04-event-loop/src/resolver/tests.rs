use super::*;
use crate::pool::tests::{LIMIT, block_on, hold};
use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;

/// Always gives these answers.
fn knows(answers: &[&str]) -> Resolver {
    let answers: Vec<SocketAddr> = answers.iter().map(|text| text.parse().unwrap()).collect();
    Resolver::with_lookup(move |_, _| Ok(answers.clone()))
}

fn resolve(resolver: &Resolver, host: &str, family: Family) -> Result<Vec<String>, ResolveError> {
    let addresses = block_on(resolver.resolve(host, 80, family))?;
    Ok(addresses.iter().map(SocketAddr::to_string).collect())
}

/// XR-06: the answers keep the system's order; the same address twice is one answer.
#[test]
fn the_answers_come_in_the_order_of_the_system_and_each_once() {
    let resolver = knows(&["[2001:db8::2]:80", "192.0.2.9:80", "[2001:db8::2]:80", "192.0.2.1:80"]);
    assert_eq!(
        resolve(&resolver, "example", Family::Any).unwrap(),
        ["[2001:db8::2]:80", "192.0.2.9:80", "192.0.2.1:80"]
    );
}

/// XR-06: the look-up gets the host and the port, on a thread of the resolver.
#[test]
fn a_name_is_looked_up_on_a_thread_of_the_resolver() {
    let (asked, question) = mpsc::channel();
    let resolver = Resolver::with_lookup(move |host, port| {
        asked.send((thread::current().name().map(str::to_owned), host.to_owned(), port)).unwrap();
        Ok(vec![SocketAddr::from(([192, 0, 2, 1], port))])
    });
    assert_eq!(resolve(&resolver, "example", Family::Any).unwrap(), ["192.0.2.1:80"]);
    let thread = Some("resolver-0".to_owned());
    assert_eq!(question.try_recv().unwrap(), (thread, "example".to_owned(), 80));
}

/// SA-10: only addresses of the socket's family are of use to it, and the first of them is taken.
#[test]
fn the_answers_of_the_other_family_are_left_out() {
    let resolver = knows(&["[2001:db8::2]:80", "192.0.2.9:80", "[2001:db8::1]:80", "192.0.2.1:80"]);
    let of = |family| resolve(&resolver, "example", family).unwrap();
    assert_eq!(of(Family::V4), ["192.0.2.9:80", "192.0.2.1:80"]);
    assert_eq!(of(Family::V6), ["[2001:db8::2]:80", "[2001:db8::1]:80"]);
}

/// XR-07, SA-10: a numeric address is its own and only answer, in the first poll and without a
/// thread.
#[test]
fn a_numeric_address_is_not_looked_up() {
    let resolver = Resolver::with_lookup(|_, _| unreachable!("nobody asks"));
    for (host, answer) in [
        ("192.0.2.1", "192.0.2.1:80"),
        ("0.0.0.0", "0.0.0.0:80"),
        ("::1", "[::1]:80"),
        ("::ffff:192.0.2.1", "[::ffff:192.0.2.1]:80"),
    ] {
        let mut future = pin!(resolver.resolve(host, 80, Family::Any));
        let poll = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(answers) = poll else { panic!("{host} is looked up") };
        assert_eq!(answers.unwrap(), [answer.parse().unwrap()]);
    }
    assert_eq!(format!("{:?}", resolver.pool), format!("{:?}", Pool::new("resolver", 1)));
}

/// XR-07: a zone index means something to the system alone; short or empty hosts are no addresses.
#[test]
fn what_only_looks_numeric_is_looked_up() {
    for host in ["fe80::1%lo", "127.1", "[::1]", "1", "", " 192.0.2.1"] {
        let resolver = knows(&["192.0.2.7:80"]);
        assert_eq!(resolve(&resolver, host, Family::Any).unwrap(), ["192.0.2.7:80"], "{host:?}");
    }
}

/// XR-08: the error is the resolver's own; it names the host, the reason, and what to do.
#[test]
fn a_look_up_that_fails_is_told_with_its_host_and_reason() {
    let resolver = Resolver::with_lookup(|_, _| Err(io::Error::other("the name server is away")));
    let error = resolve(&resolver, "example", Family::V4).unwrap_err();
    assert!(matches!(&error, ResolveError::Unknown(host, _) if host == "example"));
    assert_eq!(
        error.to_string(),
        "host \"example\" has no address: check its spelling or give a numeric address \
         (the name server is away)"
    );
}

/// XR-08: an empty answer is its own case, whether the system gave it or the family left none.
#[test]
fn an_empty_answer_is_an_error_of_its_own() {
    for (answers, host, family, named) in [
        (&[][..], "example", Family::Any, "IPv4 or IPv6"),
        (&["192.0.2.1:80"][..], "example", Family::V6, "IPv6"),
        (&[][..], "::1", Family::V4, "IPv4"),
    ] {
        let error = resolve(&knows(answers), host, family).unwrap_err();
        assert!(matches!(&error, ResolveError::Empty(name, of) if name == host && *of == family));
        let reason = format!("{named} address: getaddrinfo() returned empty list");
        assert_eq!(error.to_string(), format!("host {host:?} has no {reason}"));
    }
}

/// XR-08: as an error of the system it keeps its text, and the resolver's own error inside.
#[test]
fn the_error_of_the_resolver_may_become_one_of_the_system() {
    let kinds = [
        (ResolveError::Unknown("a".into(), io::ErrorKind::NotFound.into()), "NotFound"),
        (ResolveError::Empty("a".into(), Family::Any), "AddrNotAvailable"),
        (ResolveError::Stopped("a".into(), JobError::Closed("resolver")), "Other"),
    ];
    for (error, kind) in kinds {
        let text = error.to_string();
        let error = io::Error::from(error);
        assert_eq!((format!("{:?}", error.kind()), error.to_string()), (kind.to_owned(), text));
        assert!(error.get_ref().is_some_and(|inner| inner.is::<ResolveError>()));
    }
}

/// XR-09: look-ups that stall delay neither the executor's jobs nor, up to the maximum, each other.
/// Whoever drops their future or the resolver waits for none of them (the inverse of D-24).
#[test]
fn a_look_up_that_stalls_delays_nobody_else() {
    let (begun, beginning) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let resolver = Resolver::with_lookup(move |host, port| {
        if host == "stalls" {
            begun.send(()).unwrap();
            // The first of them waits for its release, the others for the first.
            let _ = released.lock().unwrap().recv_timeout(LIMIT);
        }
        Ok(vec![SocketAddr::from(([192, 0, 2, 1], port))])
    });
    let mut stalled: Vec<_> =
        (1..LOOKUPS_MAX).map(|_| Box::pin(resolver.resolve("stalls", 80, Family::Any))).collect();
    for future in &mut stalled {
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        beginning.recv_timeout(LIMIT).unwrap();
    }
    let executor = Pool::new("worker", 1);
    assert_eq!(block_on(executor.submit(|| 1).unwrap()).unwrap(), 1);
    assert_eq!(resolve(&resolver, "example", Family::Any).unwrap(), ["192.0.2.1:80"]);
    drop(stalled);
    let closed = resolver.pool.closed();
    drop(resolver);
    // Only now the system answers, and nobody is there to hear it.
    drop(release);
    block_on(closed);
}

/// XR-09: more than the maximum wait for each other, and one that is given up no longer counts.
#[test]
fn the_number_of_look_ups_at_a_time_is_bounded() {
    let resolver = knows(&["192.0.2.1:80"]);
    let held: Vec<_> = (0..LOOKUPS_MAX).map(|_| hold(&resolver.pool)).collect();
    let mut waits = Box::pin(resolver.resolve("example", 80, Family::Any));
    assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let queues = |number: usize| {
        format!("{resolver:?}").contains(&format!("busy: {LOOKUPS_MAX}, queued: {number}"))
    };
    assert!(queues(1), "{resolver:?}");
    drop(waits);
    assert!(queues(0), "{resolver:?}");
    for (job, release) in held {
        drop(release);
        block_on(job).unwrap();
    }
    assert_eq!(resolve(&resolver, "example", Family::Any).unwrap(), ["192.0.2.1:80"]);
}

/// XR-04: a closed resolver refuses names; what needs no look-up it still answers.
#[test]
fn a_closed_resolver_looks_nothing_up() {
    let resolver = knows(&["192.0.2.1:80"]);
    resolver.close();
    let error = resolve(&resolver, "example", Family::Any).unwrap_err();
    assert_eq!(
        error.to_string(),
        "host \"example\" was not looked up: the pool \"resolver\" is closed: it takes no new job"
    );
    assert_eq!(resolve(&resolver, "::1", Family::V6).unwrap(), ["[::1]:80"]);
}

/// XR-08: a look-up that panics is an error of this look-up alone.
#[test]
fn a_look_up_that_panics_is_an_error() {
    let resolver = Resolver::with_lookup(|host, port| match host {
        "panics" => panic!("no such table"),
        _ => Ok(vec![SocketAddr::from(([192, 0, 2, 1], port))]),
    });
    let error = resolve(&resolver, "panics", Family::Any).unwrap_err();
    assert_eq!(
        error.to_string(),
        "host \"panics\" was not looked up: the job panicked: no such table"
    );
    assert_eq!(resolve(&resolver, "example", Family::Any).unwrap(), ["192.0.2.1:80"]);
}

/// XR-06, XR-08: this machine's own name, and a name that the system refuses without a network.
#[test]
fn the_system_is_asked() {
    let resolver = Resolver::new();
    let addresses = block_on(resolver.resolve("localhost", 80, Family::Any)).unwrap();
    assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
    let error = resolve(&resolver, "a\0b", Family::Any).unwrap_err();
    assert!(matches!(error, ResolveError::Unknown(..)), "{error}");
}
