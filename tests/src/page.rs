use chapter_01::Excerpt;

/// How many columns of a page a transcript may take.
const COLUMNS: usize = 79;

/// Breaks a line at spaces where it is wider than a page; `margin` begins each further line.
pub fn wrap(line: &str, margin: &str) -> String {
    let mut lines = String::new();
    let mut width = 0;
    for word in line.split_inclusive(' ') {
        if width > 0 && width + word.trim_end().len() > COLUMNS {
            lines.truncate(lines.trim_end().len());
            lines.push('\n');
            lines += margin;
            width = margin.len();
        }
        lines += word;
        width += word.len();
    }
    lines
}

/// Bytes as a transcript shows them.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    const SHORT: usize = 40;
    if bytes.len() > SHORT {
        Excerpt(bytes).to_string()
    } else {
        format!("\"{}\"", bytes.escape_ascii())
    }
}

/// The line with `[number]` for the number behind `before`.
pub(crate) fn without_number(line: &str, before: &str) -> String {
    let Some((start, rest)) = line.split_once(before) else { return line.to_owned() };
    format!(
        "{start}{before}[number]{}",
        rest.trim_start_matches(|letter: char| letter.is_ascii_digit())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_line_is_broken_at_a_space() {
        let wide = format!("who | {} {}", "a".repeat(70), "b".repeat(70));
        assert_eq!(
            wrap(&wide, "    |    "),
            format!("who | {}\n    |    {}", "a".repeat(70), "b".repeat(70))
        );
        assert_eq!(wrap("who | narrow", "    |    "), "who | narrow");
    }

    #[test]
    fn the_numbers_of_errors_are_left_out() {
        let line = "lost: Connection reset by peer (os error 104)";
        assert_eq!(
            without_number(line, "(os error "),
            "lost: Connection reset by peer (os error [number])"
        );
    }
}
