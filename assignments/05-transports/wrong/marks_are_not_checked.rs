//! mistake: What is left out has its default, whatever the other mark is, and nobody looks which of the two
//! is higher.
//! rejected by: 5.1 marks_that_are_left_out_follow_from_the_others

mod water_marks {
    impl WaterMarks {
        pub fn new(high: Option<usize>, low: Option<usize>) -> Result<WaterMarks, LimitsError> {
            let high = high.unwrap_or(WaterMarks::HIGH);
            Ok(WaterMarks { low: low.unwrap_or(high / 4), high })
        }
    }
}
