use crate::column::{COLUMNS, Column};
use harness::{TEST_MAX, within};
use std::fmt::Write;
use std::sync::OnceLock;

/// Something that a server can do, or not.
///
/// Its scenario is played once in the life of a process against each column, whoever asks first.
#[derive(Debug)]
pub struct Capability {
    name: &'static str,
    scenario: fn(&Column) -> anyhow::Result<Verdict>,
    lacks: &'static [Lack],
    outcomes: OnceLock<Vec<Outcome>>,
}

/// What a scenario says of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The server does it.
    Yes,
    /// The server does not, proved.
    No,
    /// This platform does not tell.
    NotMeasured,
}

/// A layer that does not do it, and why, in a sentence without its full stop.
pub type Lack = (&'static str, &'static str);

/// What a scenario has come to, or what went wrong.
pub type Outcome = Result<Verdict, String>;

impl Capability {
    /// What every layer has, named in plain words.
    pub const fn new(
        name: &'static str,
        scenario: fn(&Column) -> anyhow::Result<Verdict>,
    ) -> Capability {
        Capability { name, scenario, lacks: &[], outcomes: OnceLock::new() }
    }

    /// What every layer has but these.
    #[must_use]
    pub const fn except(mut self, lacks: &'static [Lack]) -> Capability {
        self.lacks = lacks;
        self
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What each of [`COLUMNS`] has come to.
    pub fn outcomes(&self) -> &[Outcome] {
        self.outcomes.get_or_init(|| COLUMNS.iter().map(|column| self.play(column)).collect())
    }

    fn play(&self, column: &Column) -> Outcome {
        let name = format!("{}, {}", self.name, column.title);
        within(TEST_MAX, &name, || (self.scenario)(column)).map_err(|error| format!("{error:#}"))
    }

    /// Whether a column of the layer has come to "no".
    fn is_lacking(&self, layer: &str) -> bool {
        let mut outcomes = COLUMNS.iter().zip(self.outcomes());
        outcomes.any(|(column, outcome)| column.layer == layer && *outcome == Ok(Verdict::No))
    }

    /// Why a layer does not do it.
    fn reason(&self, column: &Column) -> Option<&'static str> {
        self.lacks.iter().find(|(layer, _)| *layer == column.layer).map(|(_, reason)| *reason)
    }

    /// Each reason with the layers that have come to "no" for it.
    fn reasons(&self) -> Vec<(Vec<&'static str>, &'static str)> {
        let mut reasons: Vec<(Vec<_>, _)> = Vec::new();
        for (layer, reason) in self.lacks.iter().filter(|(layer, _)| self.is_lacking(layer)) {
            match reasons.last_mut().filter(|(_, last)| last == reason) {
                Some((layers, _)) => layers.push(*layer),
                None => reasons.push((vec![*layer], *reason)),
            }
        }
        reasons
    }

    /// Fails unless every column has done what is stated: all of it, but for the exceptions.
    ///
    /// # Panics
    ///
    /// One line for each column that has not.
    pub fn check(&self) {
        let mut surprises = String::new();
        for (column, outcome) in COLUMNS.iter().zip(self.outcomes()) {
            let surprise = match (outcome, self.reason(column)) {
                (Ok(Verdict::Yes), None)
                | (Ok(Verdict::No), Some(_))
                | (Ok(Verdict::NotMeasured), _) => continue,
                (Ok(Verdict::Yes), Some(reason)) => format!("does it, although {reason}"),
                (Ok(Verdict::No), None) => "does not do it".to_owned(),
                (Err(error), _) => error.clone(),
            };
            let _ = writeln!(surprises, "  {}: {surprise}", column.title);
        }
        assert!(surprises.is_empty(), "{}:\n{surprises}", self.name);
    }
}

/// The capabilities as a table in Markdown, a column for each layer of [`COLUMNS`], and under it the
/// reason for each "no".
pub fn table(capabilities: &[&Capability]) -> String {
    let layers: Vec<_> = COLUMNS.chunk_by(|one, other| one.layer == other.layer).collect();
    let mut text = String::from("| |");
    for columns in &layers {
        let _ = write!(text, " {} |", columns[0].heading);
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(layers.len()));
    for capability in capabilities {
        let _ = write!(text, "\n| {} |", capability.name);
        let mut outcomes = capability.outcomes();
        for columns in &layers {
            let (of_layer, rest) = outcomes.split_at(columns.len());
            outcomes = rest;
            let _ = write!(text, " {} |", cell(columns, of_layer));
        }
    }
    text.push_str("\n\nWhy not:\n");
    for capability in capabilities {
        for (layers, reason) in capability.reasons() {
            let _ = write!(text, "\n- {} ({}): {reason}.", capability.name, layers.join(", "));
        }
    }
    text
}

/// What a layer has come to: over each of its selectors, where that makes a difference.
fn cell(columns: &[Column], outcomes: &[Outcome]) -> String {
    let words: Vec<_> = outcomes.iter().map(word).collect();
    if words.iter().all(|word| *word == words[0]) {
        return words[0].to_owned();
    }
    let over = |(column, word): (&Column, &&str)| {
        format!("{word} over {}", column.selector.unwrap_or("none"))
    };
    columns.iter().zip(&words).map(over).collect::<Vec<_>>().join(", ")
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Ok(Verdict::Yes) => "yes",
        Ok(Verdict::No) => "no",
        Ok(Verdict::NotMeasured) => "not measured here",
        Err(_) => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selectors_share_a_cell_unless_they_differ() {
        let columns = &COLUMNS[COLUMNS.len() - 2..];
        let both = [Ok(Verdict::Yes), Ok(Verdict::Yes)];
        assert_eq!(cell(columns, &both), "yes");
        let one = [Ok(Verdict::Yes), Ok(Verdict::No)];
        assert_eq!(cell(columns, &one), "yes over mio, no over polling");
    }
}
