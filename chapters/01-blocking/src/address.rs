use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

/// The socket addresses that `HOST:PORT` stands for, never none.
///
/// The host is a name, an IPv4 address, an IPv6 address in brackets, or empty for "any IPv4 address
/// of this machine" (SK-19). A name is looked up, which blocks.
///
/// # Errors
///
/// [`AddressError`] names the text, or the host that nobody knows.
pub fn resolve(host_and_port: &str) -> Result<Vec<SocketAddr>, AddressError> {
    let (host, port) = parse_host_and_port(host_and_port)?;
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    let unknown = |reason: Option<io::Error>| AddressError::Unknown(host.to_owned(), reason);
    let addresses: Vec<_> =
        (host, port).to_socket_addrs().map_err(|error| unknown(Some(error)))?.collect();
    if addresses.is_empty() { Err(unknown(None)) } else { Ok(addresses) }
}

/// The two parts of `HOST:PORT`. The host is without its brackets, and may be empty.
///
/// # Errors
///
/// [`AddressError::Malformed`] names the text.
pub fn parse_host_and_port(text: &str) -> Result<(&str, u16), AddressError> {
    let malformed = || AddressError::Malformed(text.to_owned());
    let (host, port) = text.rsplit_once(':').ok_or_else(malformed)?;
    let port = port.parse().map_err(|_| malformed())?;
    match host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => Ok((inner, port)),
        None if host.contains([':', '[', ']']) => Err(malformed()),
        None => Ok((host, port)),
    }
}

/// Why `HOST:PORT` stands for no address.
#[derive(Debug)]
#[non_exhaustive]
pub enum AddressError {
    /// The text is not of the form `HOST:PORT`.
    Malformed(String),
    /// The host has no address, and why, if the resolver gave a reason.
    Unknown(String, Option<io::Error>),
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressError::Malformed(text) => {
                write!(
                    f,
                    "{text:?} is no address: write HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000"
                )
            }
            AddressError::Unknown(host, reason) => {
                write!(
                    f,
                    "host {host:?} has no address: check its spelling or give a numeric address"
                )?;
                reason.as_ref().map_or(Ok(()), |reason| write!(f, " ({reason})"))
            }
        }
    }
}

impl std::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// SK-19: the shapes of an IP address, and the empty host.
    #[test]
    fn numeric_addresses_need_no_look_up() {
        let one = |text: &str| resolve(text).unwrap()[0].to_string();
        assert_eq!(one("127.0.0.1:80"), "127.0.0.1:80");
        assert_eq!(one("[::1]:0"), "[::1]:0");
        assert_eq!(one(":8000"), "0.0.0.0:8000");
    }

    #[test]
    fn what_is_no_address_is_refused_by_its_text() {
        for text in [
            "",
            "8000",
            "host",
            "host:",
            "host:65536",
            "host:http",
            "::1:8000",
            "[::1:8000",
            "a]:1",
        ] {
            let error = resolve(text).unwrap_err();
            assert!(
                matches!(&error, AddressError::Malformed(named) if named == text),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn a_host_that_nobody_knows_is_named() {
        let error = resolve("no-such-host.invalid:80").unwrap_err().to_string();
        assert!(
            error.starts_with("host \"no-such-host.invalid\" has no address: check "),
            "{error}"
        );
    }
}
