//! mistake: What is left in the buffer is thought to be of no interest.
//! rejected by: 1.3 what_makes_no_whole_line_is_counted

mod reply {
    impl Reply for EchoLines {
        fn unanswered(&self) -> usize {
            0
        }
    }
}
