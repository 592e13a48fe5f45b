use std::fmt;

/// Why a [`task_group`](crate::task_group) has no value: everything that failed in it, together.
#[doc(alias = "ExceptionGroup")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupError<E> {
    /// In the order of time, and never empty.
    failures: Vec<Failure<E>>,
}

/// What one part of a group failed with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure<E> {
    /// A child or the body gave this error.
    Failed(E),
    /// A child panicked, with this message.
    Panicked(String),
}

impl<E> GroupError<E> {
    pub(crate) fn new(failures: Vec<Failure<E>>) -> GroupError<E> {
        debug_assert!(!failures.is_empty(), "a group without a value has failed");
        GroupError { failures }
    }

    /// The failures, the first one first: there is at least one.
    #[doc(alias = "exceptions")]
    pub fn failures(&self) -> &[Failure<E>] {
        &self.failures
    }

    /// The failures, to be handled one by one.
    pub fn into_failures(self) -> Vec<Failure<E>> {
        self.failures
    }
}

/// One line: every failure, the first one first.
impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task group failed")?;
        if self.failures.len() > 1 {
            write!(f, " {} times", self.failures.len())?;
        }
        for (number, failure) in self.failures.iter().enumerate() {
            f.write_str(if number == 0 { ": " } else { "; " })?;
            failure.fmt(f)?;
        }
        Ok(())
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for GroupError<E> {}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Failed(error) => error.fmt(f),
            Failure::Panicked(message) => write!(f, "a task panicked: {message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TK-21: nothing that failed is left out.
    #[test]
    fn the_message_lists_every_failure() {
        let alone = GroupError::new(vec![Failure::Failed("no route")]);
        assert_eq!(alone.to_string(), "the task group failed: no route");
        let both = vec![Failure::Failed("no route"), Failure::Panicked("an odd state".to_owned())];
        assert_eq!(
            GroupError::new(both).to_string(),
            "the task group failed 2 times: no route; a task panicked: an odd state"
        );
    }
}
