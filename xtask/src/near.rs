//! Names near a name that was not found.

use std::collections::BTreeSet;

/// At most this many names are suggested.
const SUGGESTIONS: usize = 3;

/// Up to so many names are all listed, in their own order, when none is near.
const FEW: usize = 12;

/// The end of an error message: the names nearest to `wanted`, or, when none is near, those that there are, or some of them.
///
/// Distance is measured on the whole name and on its last part, so that `Selector::selct` finds `Selector::select` and so
/// does `selct` alone.
pub(crate) fn hint<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.into_iter().collect();
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    let mut ranked: Vec<(usize, &str)> =
        names.iter().map(|name| (distance(wanted, name), *name)).collect();
    ranked.sort();
    let limit = 1.max(last_part(wanted).len() / 3);
    let near: Vec<&str> =
        ranked.iter().filter(|(far, _)| *far <= limit).map(|(_, name)| *name).collect();
    if !near.is_empty() {
        return format!("; near: {}", join(&near));
    }
    match names.len() {
        0 => "; there is none at all".to_owned(),
        1..=FEW => format!("; there are: {}", names.join(", ")),
        _ => {
            let all: Vec<&str> = ranked.into_iter().map(|(_, name)| name).collect();
            format!("; there are: {}", join(&all))
        }
    }
}

fn distance(wanted: &str, name: &str) -> usize {
    let whole = strsim::osa_distance(wanted, name);
    // One more, so that an exact whole name wins over an equal last part elsewhere.
    let part = strsim::osa_distance(last_part(wanted), last_part(name)) + 1;
    whole.min(part)
}

fn last_part(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

fn join(names: &[&str]) -> String {
    let mut text = names[..names.len().min(SUGGESTIONS)].join(", ");
    if names.len() > SUGGESTIONS {
        text.push_str(", …");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_names_are_all_listed_in_their_own_order() {
        let names =
            ["01-blocking", "02-busy-poll", "03-selector", "04-event-loop", "04-event-loop"];
        let expected = "; there are: 01-blocking, 02-busy-poll, 03-selector, 04-event-loop";
        assert_eq!(hint("07", names), expected);
        assert_eq!(hint("03-selectro", names), "; near: 03-selector");
        let many: Vec<String> = (10..40).map(|number| format!("name-{number}")).collect();
        assert!(hint("x", many.iter().map(String::as_str)).ends_with(", …"));
    }
}
