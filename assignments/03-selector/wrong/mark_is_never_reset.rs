//! mistake: The mark that spares the calls is set and never taken away: the first wake-up is the last one.
//! rejected by: 3.2 many_wake_ups_are_one_call_and_none_is_lost

mod waker {
    impl Waker {
        pub(crate) fn seen(&self) {
            // The wait has answered the wake-up.
        }
    }
}
