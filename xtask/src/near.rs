//! Names near a name that was not found.

/// At most this many names are suggested.
const SUGGESTIONS: usize = 3;

/// The end of an error message: the names nearest to `wanted`, or, when none is near, some of those that there are.
///
/// Distance is measured on the whole name and on its last part, so that `Selector::selct` finds `Selector::select` and so
/// does `selct` alone.
pub(crate) fn hint<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    let mut ranked: Vec<(usize, &str)> =
        names.into_iter().map(|name| (distance(wanted, name), name)).collect();
    ranked.sort();
    ranked.dedup_by_key(|(_, name)| *name);
    let limit = 1.max(last_part(wanted).len() / 3);
    let near: Vec<&str> =
        ranked.iter().filter(|(far, _)| *far <= limit).map(|(_, name)| *name).collect();
    if !near.is_empty() {
        return format!("; near: {}", join(&near));
    }
    let all: Vec<&str> = ranked.into_iter().map(|(_, name)| name).collect();
    if all.is_empty() {
        "; there is none at all".to_owned()
    } else {
        format!("; there are: {}", join(&all))
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
