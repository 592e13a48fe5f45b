/// How many bytes of a piece a story shows.
const SHOWN_MAX: usize = 40;

/// Bytes as a story shows them: their number and their beginning, escaped.
pub fn shown(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing".to_owned();
    }
    let beginning = bytes[..bytes.len().min(SHOWN_MAX)].escape_ascii();
    let more = if bytes.len() > SHOWN_MAX { "..." } else { "" };
    let plural = if bytes.len() == 1 { "" } else { "s" };
    format!("{} byte{plural} \"{beginning}\"{more}", bytes.len())
}

/// Where two texts begin to differ, if that is past what [`shown`] shows.
pub(crate) fn difference(expected: &[u8], came: &[u8]) -> Option<String> {
    let same = expected.iter().zip(came).take_while(|(left, right)| left == right).count();
    (same >= SHOWN_MAX).then(|| format!("the same for {same} bytes, then not"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_short_and_printable() {
        assert_eq!(shown(b""), "nothing");
        assert_eq!(shown(b"\r"), r#"1 byte "\r""#);
        assert_eq!(shown(&[b'x'; 41]), format!("41 bytes \"{}\"...", "x".repeat(40)));
    }

    #[test]
    fn a_difference_is_told_where_it_cannot_be_seen() {
        assert_eq!(difference(b"abc", b"abd"), None);
        let (mut left, right) = ([b'x'; 60], [b'x'; 60]);
        left[50] = b'y';
        assert_eq!(difference(&left, &right).unwrap(), "the same for 50 bytes, then not");
    }
}
