use std::net::SocketAddr;

/// Orders addresses so that a family without a route costs one attempt and not all of its own: the
/// families take turns, that of the first address first (HE-02). Within a family the order stays.
///
/// So many as `first_count` addresses of the first family come before the first one of the other;
/// 0 counts as 1.
///
/// ```
/// let of = |text: &str| text.parse().unwrap();
/// let found = ["[::1]:80", "[::2]:80", "1.1.1.1:80", "2.2.2.2:80"].map(of).to_vec();
/// let tried = chapter_05::interleave(found, 1);
/// assert_eq!(tried, ["[::1]:80", "1.1.1.1:80", "[::2]:80", "2.2.2.2:80"].map(of));
/// ```
#[doc(alias = "_interleave_addrinfos")]
pub fn interleave(addresses: Vec<SocketAddr>, first_count: usize) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().copied() else { return addresses };
    let count = addresses.len();
    let mut order = Vec::with_capacity(count);
    let (first_family, other_family): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == first.is_ipv4());
    let mut turns = [first_family.into_iter(), other_family.into_iter()];
    order.extend(turns[0].by_ref().take(first_count.saturating_sub(1)));
    while order.len() < count {
        order.extend(turns.iter_mut().filter_map(Iterator::next));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses by their names: `6a` is the first one of the sixth version.
    fn addresses(names: &str) -> Vec<SocketAddr> {
        let address = |name: &str| {
            let (family, letter) = name.split_at(1);
            let port = u16::from(letter.as_bytes()[0]);
            match family {
                "4" => SocketAddr::from(([127, 0, 0, 1], port)),
                _ => SocketAddr::from(([0; 16], port)),
            }
        };
        names.split_whitespace().map(address).collect()
    }

    #[track_caller]
    fn check(given: &str, first_count: usize, expected: &str) {
        assert_eq!(interleave(addresses(given), first_count), addresses(expected));
    }

    /// HE-02: the rule's own two orders, and what lies beyond them.
    #[test]
    fn so_many_of_the_first_family_come_first_and_then_they_take_turns() {
        let given = "6a 6b 6c 4a 4b";
        check(given, 1, "6a 4a 6b 4b 6c");
        check(given, 2, "6a 6b 4a 6c 4b");
        check(given, 3, "6a 6b 6c 4a 4b");
        for more in [4, 5, usize::MAX] {
            check(given, more, "6a 6b 6c 4a 4b");
        }
        check(given, 0, "6a 4a 6b 4b 6c");
    }

    /// HE-02: the family of the first address is the first family, whichever it is and wherever the
    /// others stand.
    #[test]
    fn the_family_of_the_first_address_is_first() {
        check("4a 6a 6b 4b 6c", 1, "4a 6a 4b 6b 6c");
        check("4a 6a 6b 4b 6c", 2, "4a 4b 6a 6b 6c");
        check("6a 4a 4b 4c", 1, "6a 4a 4b 4c");
    }

    /// HE-02: one family, one address, none.
    #[test]
    fn a_family_alone_keeps_its_order() {
        for first_count in 0..4 {
            check("4a 4b 4c", first_count, "4a 4b 4c");
            check("6a", first_count, "6a");
            check("", first_count, "");
        }
    }
}
