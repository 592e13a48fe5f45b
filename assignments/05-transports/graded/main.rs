//! The graded tests of assignment 05.

mod scene;
mod task_1;
mod task_2;
mod task_3;
mod task_4;
mod task_5;
mod task_6;

grading::checks! {
    "5.1": task_1 {
        what_the_kernel_takes_is_gone_and_the_rest_is_kept,
        above_the_high_mark_the_protocol_is_paused_once,
        marks_that_are_left_out_follow_from_the_others,
    }
    "5.2": task_2 {
        what_was_kept_is_sent_as_there_is_room,
        room_is_asked_for_only_while_something_is_kept,
        at_the_low_mark_the_protocol_goes_on_and_not_before,
    }
    "5.3": task_3 {
        the_end_is_told_once,
        the_end_is_told_after_the_call_that_causes_it,
        close_sends_what_was_written_and_receives_no_more,
        abort_throws_away_what_was_not_sent,
        after_the_end_a_write_is_refused,
        a_lost_connection_gives_everything_back,
    }
    "5.4": task_4 {
        what_comes_while_reading_is_paused_waits,
        the_end_of_file_is_told_once,
        write_eof_comes_behind_all_that_was_written,
        a_client_that_has_said_its_last_word_gets_the_whole_answer,
    }
    "5.5": task_5 {
        the_families_take_turns,
        the_next_attempt_starts_at_a_failure_or_after_the_delay,
        when_all_have_failed_every_error_is_told,
    }
    "5.6": task_6 {
        a_race_goes_as_its_rules_say,
        whoever_loses_is_closed_before_the_winner_is_given,
    }
}
