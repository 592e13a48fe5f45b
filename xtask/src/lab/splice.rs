//! Replaces parts of a text.

use std::ops::Range;

/// A range of bytes and what takes its place.
pub(crate) struct Splice {
    pub(crate) range: Range<usize>,
    pub(crate) text: String,
}

/// `text` with all of `splices` done; they do not overlap.
pub(crate) fn spliced(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| splice.range.start);
    let (mut result, mut at) = (String::new(), 0);
    for Splice { range, text: new } in splices {
        result.push_str(&text[at..range.start]);
        result.push_str(&new);
        at = range.end;
    }
    result.push_str(&text[at..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_replaced_in_whatever_order_they_are_given() {
        let splice = |range, text: &str| Splice { range, text: text.to_owned() };
        assert_eq!(
            spliced("0123456789", vec![splice(8..9, "b"), splice(2..4, "aaa")]),
            "01aaa4567b9"
        );
        assert_eq!(spliced("as it was", Vec::new()), "as it was");
    }
}
