//! The graded tests of assignment 02.

mod scripted;
mod task_1;
mod task_2;
mod task_3;
mod task_4;
mod task_5;

grading::checks! {
    "2.1": task_1 {
        would_block_is_an_answer,
        an_interrupted_call_is_made_again,
        bytes_nothing_yet_the_end_and_a_reset_are_four_answers,
        a_send_says_how_much_was_taken,
    }
    "2.2": task_2 {
        an_accepted_client_is_asked_without_waiting,
    }
    "2.3": task_3 {
        the_tail_of_a_short_send_is_sent_later,
        no_byte_is_sent_twice,
        what_was_sent_takes_no_room,
    }
    "2.4": task_4 {
        what_was_received_is_answered_before_the_end,
        a_line_too_long_is_the_end_after_its_answers,
        who_does_not_read_is_not_read_from,
        an_answer_goes_to_its_own_client,
    }
    "2.5": task_5 {
        a_turn_is_one_question,
        nobody_loses_a_turn_when_another_leaves,
        a_client_that_fails_ends_alone,
        a_slow_client_stalls_nobody,
        only_a_broken_listener_ends_the_server,
        clients_talk_in_any_order_and_leave_nothing_open,
    }
}
