use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

/// Why there is no connection: what each attempt failed with, in the order of the attempts (HE-06), or
/// the one thing that failed before or after them.
///
/// As text, and as the [`io::Error`] that it can be turned into, it is one error (CC-03): the only
/// one, or any of those that say the same, or `Multiple exceptions: ` and the text of each.
#[doc(alias = "ExceptionGroup")]
#[derive(Debug)]
pub struct ConnectErrors {
    /// Empty: there was no address, so nothing was attempted (HE-08).
    errors: Vec<io::Error>,
}

impl ConnectErrors {
    /// The error of each attempt; none if there was no address.
    #[doc(alias = "all_errors")]
    pub fn errors(&self) -> &[io::Error] {
        &self.errors
    }

    /// The errors, to be handled one by one.
    pub fn into_errors(self) -> Vec<io::Error> {
        self.errors
    }

    /// What they have in common: their kind if it is the same for all, else `Other`; without an
    /// address `InvalidInput`.
    pub fn kind(&self) -> ErrorKind {
        match self.errors.as_slice() {
            [] => ErrorKind::InvalidInput,
            [first, others @ ..] if others.iter().all(|other| other.kind() == first.kind()) => {
                first.kind()
            }
            _ => ErrorKind::Other,
        }
    }

    /// The error that stands for all, if they all say the same.
    fn common(&self) -> Option<&io::Error> {
        let (first, others) = self.errors.split_first()?;
        let text = first.to_string();
        others.iter().all(|other| other.to_string() == text).then_some(first)
    }
}

impl From<Vec<io::Error>> for ConnectErrors {
    fn from(errors: Vec<io::Error>) -> ConnectErrors {
        ConnectErrors { errors }
    }
}

/// Something else than an attempt has failed.
impl From<io::Error> for ConnectErrors {
    fn from(error: io::Error) -> ConnectErrors {
        ConnectErrors { errors: vec![error] }
    }
}

/// One error for all. Of several that differ in their texts the list is inside, for
/// [`io::Error::downcast`].
impl From<ConnectErrors> for io::Error {
    fn from(errors: ConnectErrors) -> io::Error {
        match errors.common() {
            Some(_) => errors.errors.into_iter().next().expect("it was found in the list"),
            None => io::Error::new(errors.kind(), errors),
        }
    }
}

impl fmt::Display for ConnectErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(common) = self.common() {
            return common.fmt(f);
        }
        if self.errors.is_empty() {
            return f.write_str("there is no address to connect to");
        }
        for (number, error) in self.errors.iter().enumerate() {
            f.write_str(if number == 0 { "Multiple exceptions: " } else { ", " })?;
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl Error for ConnectErrors {
    /// The source of the error that stands for all; the texts of several are in this one's text.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.common()?.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind::{ConnectionRefused, HostUnreachable};

    fn errors<const N: usize>(errors: [(ErrorKind, &str); N]) -> ConnectErrors {
        errors.map(|(kind, text)| io::Error::new(kind, text)).into_iter().collect::<Vec<_>>().into()
    }

    /// CC-03: a single error is that error, with its number.
    #[test]
    fn one_error_is_that_error() {
        let access = || io::Error::from_raw_os_error(13);
        let alone = || ConnectErrors::from(vec![access()]);
        assert_eq!(alone().to_string(), access().to_string());
        assert_eq!(alone().kind(), ErrorKind::PermissionDenied);
        assert_eq!(io::Error::from(alone()).raw_os_error(), Some(13));
    }

    /// CC-03: several that say the same are one of them. The list still has them all.
    #[test]
    fn errors_with_the_same_text_are_one_of_them() {
        let alike = [(ConnectionRefused, "refused"), (ConnectionRefused, "refused")];
        assert_eq!(errors(alike).to_string(), "refused");
        assert_eq!(errors(alike).errors().len(), 2);
        let one = io::Error::from(errors(alike));
        assert_eq!((one.kind(), one.to_string()), (ConnectionRefused, "refused".to_owned()));
        assert!(one.downcast::<ConnectErrors>().is_err());
    }

    /// CC-03 and HE-06: errors that differ are one with the texts of all, in their order. The kind
    /// stays if it is the same, and the list can be had back.
    #[test]
    fn errors_with_different_texts_are_listed() {
        let refused =
            [(ConnectionRefused, "b"), (ConnectionRefused, "a"), (ConnectionRefused, "b")];
        assert_eq!(errors(refused).to_string(), "Multiple exceptions: b, a, b");
        let one = io::Error::from(errors(refused));
        assert_eq!(one.kind(), ConnectionRefused);
        assert_eq!(one.to_string(), "Multiple exceptions: b, a, b");
        let list = one.downcast::<ConnectErrors>().unwrap().into_errors();
        let texts: Vec<String> = list.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["b", "a", "b"]);

        let mixed = [(ConnectionRefused, "a"), (HostUnreachable, "b")];
        assert_eq!(errors(mixed).kind(), ErrorKind::Other);
        assert_eq!(io::Error::from(errors(mixed)).kind(), ErrorKind::Other);
    }

    /// HE-08 (D-19): no error is an error, too.
    #[test]
    fn d_19_no_address_is_an_error_that_says_so() {
        let none = io::Error::from(ConnectErrors::from(Vec::new()));
        assert_eq!(none.kind(), ErrorKind::InvalidInput);
        assert_eq!(none.to_string(), "there is no address to connect to");
    }
}
