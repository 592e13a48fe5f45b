//! mistake: All addresses of the first family come before those of the other one: if it is dead, each of
//! them costs a delay.
//! rejected by: 5.5 the_families_take_turns

mod interleave {
    pub fn interleave(addresses: Vec<SocketAddr>, _: usize) -> Vec<SocketAddr> {
        let Some(first) = addresses.first().copied() else { return addresses };
        let (mut order, other): (Vec<_>, Vec<_>) =
            addresses.into_iter().partition(|address| address.is_ipv4() == first.is_ipv4());
        order.extend(other);
        order
    }
}
