//! The graded tests of assignment 01.

mod task_1;
mod task_2;
mod task_3;
mod task_4;
mod task_5;

grading::checks! {
    "1.1": task_1 {
        a_line_comes_whole_however_it_is_cut,
        many_lines_in_one_piece_come_one_by_one,
        a_lone_cr_or_lf_ends_no_line,
        a_line_of_the_limit_passes_and_one_byte_more_does_not,
        a_line_without_an_end_is_refused_at_the_limit,
        what_was_given_out_takes_no_room,
        a_long_line_is_searched_once,
    }
    "1.2": task_2 {
        a_client_that_connects_can_be_accepted,
        a_port_can_be_had_again_when_its_server_has_gone,
        two_servers_do_not_share_a_port,
        the_queue_is_as_long_as_was_asked_for,
    }
    "1.3": task_3 {
        each_line_gets_its_answer_when_it_is_whole,
        two_lines_in_one_piece_get_two_answers,
        what_came_before_a_line_too_long_is_answered,
        what_makes_no_whole_line_is_counted,
    }
    "1.4": task_4 {
        a_message_of_any_length_comes_back,
        a_client_that_has_finished_gets_all_its_answers,
        no_answer_is_sent_twice,
        small_answers_do_not_wait_for_each_other,
        the_end_says_what_was_left,
        a_reset_is_an_error_of_this_client,
    }
    "1.5": task_5 {
        clients_are_served_one_after_the_other,
        a_client_that_resets_ends_itself_alone,
        each_client_has_a_reply_of_its_own,
        a_client_that_has_left_leaves_nothing_open,
        without_descriptors_the_server_rests_and_goes_on,
        a_listener_that_fails_ends_the_server,
    }
}
