use crate::server::Part;
use std::fmt::Write;

/// Where the bars begin and how long the longest is, in the units of the book's pictures, which are 520 wide.
const LEFT: f64 = 204.0;
const LENGTH_MAX: f64 = 226.0;

/// From one bar to the next.
const STEP: usize = 30;

/// The height of a bar.
const THICK: usize = 20;

/// Bars that lie below each other, as an SVG of the kind that the book inlines in its pages: the colours are those of
/// the page's theme, and the same is said in words for those who do not see it.
#[derive(Debug)]
pub struct Chart {
    /// The name of the file, without its ending; the ids in the drawing begin with it.
    pub name: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// Each with a scale of its own, from 0 to its longest bar.
    pub groups: Vec<Group>,
}

/// Bars that are compared to each other.
#[derive(Debug)]
pub struct Group {
    /// What they show, if there is more than one group.
    pub heading: Option<&'static str>,
    /// From top to bottom.
    pub bars: Vec<Bar>,
}

/// A bar.
#[derive(Debug)]
pub struct Bar {
    /// Whose it is.
    pub label: &'static str,
    /// Decides how it is drawn.
    pub part: Part,
    /// Its length, at least 0.
    pub value: f64,
    /// The figure beside it.
    pub figure: String,
}

impl Chart {
    /// The drawing.
    pub fn svg(&self) -> String {
        let (mut body, mut top) = (String::new(), 10);
        for group in &self.groups {
            top = group.draw(&mut body, top);
        }
        let Chart { name, title, .. } = self;
        let description = self.description();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 520 {top}\" role=\"img\" \
             aria-labelledby=\"{name}-title {name}-desc\">\n  <title id=\"{name}-title\">{title}</title>\n  \
             <desc id=\"{name}-desc\">{description}</desc>\n{body}</svg>\n"
        )
    }

    fn description(&self) -> String {
        let group = |group: &Group| {
            let bars: Vec<_> =
                group.bars.iter().map(|bar| format!("{}: {}", bar.label, bar.figure)).collect();
            let heading = group.heading.map(|heading| format!("{heading}. ")).unwrap_or_default();
            format!("{heading}{}.", bars.join("; "))
        };
        let groups: Vec<_> = self.groups.iter().map(group).collect();
        format!("A bar for each; shorter is better. {}", groups.join(" "))
    }
}

impl Group {
    /// Draws from `top` downwards and says where it ends.
    fn draw(&self, body: &mut String, mut top: usize) -> usize {
        if let Some(heading) = self.heading {
            *body +=
                &format!("  <text class=\"strong\" x=\"12\" y=\"{}\">{heading}</text>\n", top + 18);
            top += STEP;
        }
        let longest = self.bars.iter().map(|bar| bar.value).fold(f64::MIN_POSITIVE, f64::max);
        for bar in &self.bars {
            bar.draw(body, top, bar.value / longest * LENGTH_MAX);
            top += STEP;
        }
        // Room below the last bar, or between two groups.
        top + 6
    }
}

impl Bar {
    fn draw(&self, body: &mut String, top: usize, length: f64) {
        // As in all pictures: the kernel has square corners, what is ours and new is tinted.
        let shape = match self.part {
            Part::Limit => "class=\"kernel\"",
            Part::Ours => "class=\"full\" rx=\"4\"",
            Part::Peer => "class=\"process\" rx=\"4\"",
        };
        let Bar { label, figure, .. } = self;
        let (base, after) = (top + 15, LEFT + length + 8.0);
        let drawn = write!(
            body,
            "  <text class=\"end\" x=\"196\" y=\"{base}\">{label}</text>\n  \
             <rect {shape} x=\"{LEFT}\" y=\"{top}\" width=\"{length:.1}\" height=\"{THICK}\"/>\n  \
             <text class=\"said\" x=\"{after:.1}\" y=\"{base}\">{figure}</text>\n"
        );
        drawn.expect("a String takes every text");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &'static str, part: Part, value: f64) -> Bar {
        Bar { label, part, value, figure: format!("{value:.1}") }
    }

    #[test]
    fn a_bar_is_as_long_as_its_value_and_the_words_say_the_same() {
        let bars = vec![bar("limit", Part::Limit, 1.0), bar("ours", Part::Ours, 2.0)];
        let chart = Chart {
            name: "cost",
            title: "What it costs",
            groups: vec![Group { heading: Some("CPU"), bars }],
        };
        let svg = chart.svg();
        assert!(svg.contains("viewBox=\"0 0 520 106\""), "{svg}");
        assert!(svg.contains("<rect class=\"kernel\" x=\"204\" y=\"40\" width=\"113.0\""), "{svg}");
        assert!(svg.contains("<rect class=\"full\" rx=\"4\" x=\"204\" y=\"70\" width=\"226.0\""));
        assert!(svg.contains("<desc id=\"cost-desc\">A bar for each; shorter is better. CPU. limit: 1.0; ours: 2.0.</desc>"));
        assert!(svg.contains("aria-labelledby=\"cost-title cost-desc\""), "{svg}");
    }

    #[test]
    fn bars_without_length_are_no_division_by_zero() {
        let bars = vec![bar("none", Part::Peer, 0.0)];
        let svg =
            Chart { name: "n", title: "t", groups: vec![Group { heading: None, bars }] }.svg();
        assert!(svg.contains("width=\"0.0\""), "{svg}");
    }
}
