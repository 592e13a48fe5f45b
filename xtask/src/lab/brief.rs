//! The commands that a brief tells the learner to type.

use std::sync::LazyLock;

use regex::Regex;

/// A command line that a brief shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// What stands behind `cargo x lab`.
    pub(crate) words: Vec<String>,
}

/// All commands of `brief`, in its order, each once.
pub(crate) fn commands(brief: &str) -> Vec<Command> {
    static COMMAND: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new("cargo x lab ([^`#\n]*)").expect("the pattern is constant and was tried")
    });
    let mut commands: Vec<Command> = Vec::new();
    for found in COMMAND.captures_iter(brief) {
        let command = Command { words: found[1].split_whitespace().map(str::to_owned).collect() };
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    commands
}

impl Command {
    /// `grade` of `grade 01 --task 1.1`.
    pub(crate) fn verb(&self) -> &str {
        self.words.first().map(String::as_str).unwrap_or_default()
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.words.iter().any(|word| word == flag)
    }

    /// The number, with two digits, of the assignment that it is about: `01` of `grade 01` and of `hint 1.2`.
    pub(crate) fn number(&self) -> Option<String> {
        let word = self.words.get(1).filter(|word| !word.starts_with('-'))?;
        let number = word.split(['.', '-']).next().unwrap_or_default();
        Some(format!("{number:0>2}"))
    }

    /// As it is typed.
    pub(crate) fn typed(&self) -> String {
        format!("cargo x lab {}", self.words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_in_blocks_and_in_sentences() {
        let brief = "```sh\ncargo x lab grade 01 --task 1.1  # one; cargo\n```\nSay `cargo x lab status`, then `cargo x lab status`\nor `cargo x lab hint 1.2`.";
        let commands = commands(brief);
        let typed: Vec<String> = commands.iter().map(Command::typed).collect();
        assert_eq!(
            typed,
            ["cargo x lab grade 01 --task 1.1", "cargo x lab status", "cargo x lab hint 1.2"]
        );
        let numbers: Vec<Option<String>> = commands.iter().map(Command::number).collect();
        assert_eq!(numbers, [Some("01".to_owned()), None, Some("01".to_owned())]);
    }
}
