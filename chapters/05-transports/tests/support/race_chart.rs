//! Draws the course of a race as a time line, in the style of the book's pictures.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

/// The course of one attempt.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) address: String,
    /// Since the beginning of the race.
    pub(crate) start_ms: u128,
    pub(crate) end_ms: u128,
    pub(crate) end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Won,
    Failed,
    /// It was under way when another one won.
    Dropped,
}

impl End {
    fn words(self) -> &'static str {
        match self {
            End::Won => "wins",
            End::Failed => "is refused",
            End::Dropped => "has no answer, and is dropped",
        }
    }

    /// As in all pictures: what is answered is tinted, what stalls is warned of.
    fn class(self) -> &'static str {
        match self {
            End::Won => "full",
            End::Failed => "stuck",
            End::Dropped => "plain dashed",
        }
    }
}

/// The first pixel of the time line, its length, and the height of a row.
const LEFT: f64 = 20.0;
const LENGTH: f64 = 480.0;
const ROW: usize = 62;

/// Compares a drawing of the race with the one that the book has. `INSTA_UPDATE=always` puts the new
/// one in its place, as it does with snapshots.
pub(crate) fn check(name: &str, attempts: &[Attempt]) {
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../book/src/pictures");
    let (file, drawn) = (pictures.join(name).with_extension("svg"), svg(name, attempts));
    if env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        fs::write(&file, &drawn).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == drawn,
        "{name}.svg shows another race: look at what has changed, then run this with \
         INSTA_UPDATE=always, and read the picture before you commit it"
    );
}

fn svg(name: &str, attempts: &[Attempt]) -> String {
    let end = attempts.iter().map(|one| one.end_ms).max().unwrap();
    let x = |time: u128| LEFT + time as f64 / end as f64 * LENGTH;
    let bottom = 10 + ROW * attempts.len();
    let mut body = String::new();
    for (row, one) in attempts.iter().enumerate() {
        let (top, words) = (10 + ROW * row, one.end.words());
        let (from, width) = (x(one.start_ms), x(one.end_ms) - x(one.start_ms));
        let mut line = |text: String| writeln!(body, "  {text}").unwrap();
        if one.start_ms > 0 {
            let top = top + 28;
            line(format!("<path class=\"thin dashed\" d=\"M{from:.1} {top}V{bottom}\"/>"));
        }
        line(format!(
            "<text class=\"strong\" x=\"{LEFT}\" y=\"{}\">{}</text>",
            top + 20,
            one.address
        ));
        line(format!("<text class=\"said end\" x=\"500\" y=\"{}\">{words}</text>", top + 20));
        line(format!(
            "<rect class=\"{}\" x=\"{from:.1}\" y=\"{}\" width=\"{width:.1}\" height=\"20\" rx=\"4\"/>",
            one.end.class(),
            top + 28
        ));
    }
    for (place, time) in times(attempts).into_iter().enumerate() {
        let anchor = if time == end { " end" } else { "" };
        let unit = if place == 0 { " ms" } else { "" };
        let (x, y) = (x(time), bottom + 20);
        writeln!(body, "  <text class=\"said{anchor}\" x=\"{x:.1}\" y=\"{y}\">{time}{unit}</text>")
            .unwrap();
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 520 {}\" role=\"img\" \
         aria-labelledby=\"{name}-title {name}-desc\">\n  \
         <title id=\"{name}-title\">A race for a connection</title>\n  \
         <desc id=\"{name}-desc\">{}</desc>\n{body}</svg>\n",
        bottom + 32,
        description(attempts)
    )
}

/// The moments at which something happens.
fn times(attempts: &[Attempt]) -> Vec<u128> {
    let mut times: Vec<_> = attempts.iter().flat_map(|one| [one.start_ms, one.end_ms]).collect();
    times.sort_unstable();
    times.dedup();
    times
}

fn description(attempts: &[Attempt]) -> String {
    let sentence = |one: &Attempt| {
        let Attempt { address, start_ms, end_ms, end } = one;
        format!("{address} starts at {start_ms} milliseconds and {} at {end_ms}.", end.words())
    };
    let sentences: Vec<_> = attempts.iter().map(sentence).collect();
    format!("A bar for each attempt, along one line of time. {}", sentences.join(" "))
}
