use crate::listen::{BACKLOG, ListenError, listen_at, local_address};
use crate::log::Log;
use lexopt::{Arg, Parser, ValueExt};
use socket2::Socket;
use std::fmt;
use std::process::ExitCode;

/// The command line that the servers of all chapters share.
#[derive(Debug)]
pub struct Options {
    /// Where to listen, as `HOST:PORT`. Default: `127.0.0.1:8000`.
    pub listen: String,
    /// Whether to tell what happens; `--quiet` turns it off.
    pub log: Log,
    /// What a later chapter's own options were given, by name.
    more: Vec<(&'static str, String)>,
}

impl Options {
    /// Reads the command line of this process. `--help` prints `usage` and ends it.
    ///
    /// `more` names the further options, each of which takes a value: see [`Options::value`].
    ///
    /// # Errors
    ///
    /// An option that nobody knows, or a value that is missing.
    pub fn parse(usage: &str, more: &[&'static str]) -> Result<Options, UsageError> {
        Options::read(Parser::from_env(), usage, more).map_err(UsageError)
    }

    fn read(
        mut parser: Parser,
        usage: &str,
        more: &[&'static str],
    ) -> Result<Options, lexopt::Error> {
        let mut options =
            Options { listen: "127.0.0.1:8000".to_owned(), log: Log::Stdout, more: Vec::new() };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("listen") => options.listen = parser.value()?.string()?,
                Arg::Long("quiet") => options.log = Log::Quiet,
                Arg::Long("help") | Arg::Short('h') => {
                    Log::Stdout.line(|| usage);
                    std::process::exit(0);
                }
                Arg::Long(name) => match more.iter().find(|known| **known == name) {
                    Some(known) => options.more.push((known, parser.value()?.string()?)),
                    None => return Err(argument.unexpected()),
                },
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(options)
    }

    /// Opens the listening socket and says where, as the first line of standard output: `listening
    /// on ADDRESS`.
    ///
    /// # Errors
    ///
    /// As [`listen_at`].
    pub fn open_listener(&self) -> Result<Socket, ListenError> {
        let listener = listen_at(&self.listen, BACKLOG)?;
        let address = local_address(&listener).expect("a socket that listens has an IP address");
        Log::Stdout.line(|| format!("listening on {address}"));
        Ok(listener)
    }

    /// The value of one of the further options, the last one if it was given twice.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.more.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// A command line that is not understood. One line that names the argument and what to do.
#[derive(Debug)]
pub struct UsageError(lexopt::Error);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; --help lists the options", self.0)
    }
}

impl std::error::Error for UsageError {}

/// How a program ends: in silence after a success, else with exit code 1 and one line on standard
/// error.
pub fn exit_code<E: fmt::Display>(program: &str, outcome: Result<(), E>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    // The alternate form of an `anyhow::Error` puts its whole chain into one line.
    Log::report(format_args!("{program}: {error:#}"));
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Options, lexopt::Error> {
        Options::read(Parser::from_args(arguments), "usage", &["selector"])
    }

    #[test]
    fn options_have_defaults_and_the_last_one_counts() {
        let options = read(&[]).unwrap();
        assert_eq!((options.listen.as_str(), options.log), ("127.0.0.1:8000", Log::Stdout));
        assert_eq!(options.value("selector"), None);
        let options =
            read(&["--listen", "[::1]:0", "--selector=mio", "--quiet", "--selector", "polling"])
                .unwrap();
        assert_eq!((options.listen.as_str(), options.log), ("[::1]:0", Log::Quiet));
        assert_eq!(options.value("selector"), Some("polling"));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_its_name() {
        let say = |arguments: &[&str]| read(arguments).unwrap_err().to_string();
        assert_eq!(say(&["--port"]), "invalid option '--port'");
        assert_eq!(say(&["extra"]), "unexpected argument \"extra\"");
        assert!(say(&["--listen"]).contains("--listen"));
        let error = anyhow::Error::new(UsageError(read(&["--port"]).unwrap_err()));
        assert_eq!(format!("{error:#}"), "invalid option '--port'; --help lists the options");
    }
}
