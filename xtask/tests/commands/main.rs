//! The commands as an author runs them, on a small workspace of its own for each test.

#![allow(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

mod book;
mod contract;
mod fixture;
mod include;
mod lab;
mod serve;

use fixture::Fixture;

#[test]
fn the_commands_are_listed_and_others_refused() {
    let fixture = Fixture::new();
    for arguments in [&[][..], &["--help"], &["book"], &["book", "--help"]] {
        let list = fixture.run(arguments).unwrap();
        assert!(
            list.contains("cargo x book build [--dest DIR]") && list.contains("cargo x contract"),
            "{list}"
        );
    }
    for (arguments, said) in [
        (&["boook"][..], "no command `boook`"),
        (&["book", "bulid"], "no command `book bulid`"),
        (&["book", "build", "--dst", "x"], "invalid option '--dst'"),
        (&["book", "serve", "--listen", "here"], "--listen"),
    ] {
        let fault = fixture.run(arguments).unwrap_err();
        assert!(fault.starts_with(said), "{fault}");
    }
}
