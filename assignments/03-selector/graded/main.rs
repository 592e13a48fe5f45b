//! The graded tests of assignment 03.

mod task_1;
mod task_2;
mod task_3;
mod task_4;
mod task_5;
mod task_5_turns;

grading::checks! {
    "3.1": task_1 {
        an_old_token_names_nothing,
        the_kernel_knows_whom_something_is_wanted_of,
        what_the_kernel_refuses_changes_nothing,
    }
    "3.2": task_2 {
        a_wait_is_handed_on_as_it_is_asked_for,
        a_hang_up_is_told_as_it_was_asked_for,
        many_wake_ups_are_one_call_and_none_is_lost,
    }
    "3.3": task_3 {
        a_flag_goes_when_the_socket_disproves_it,
        over_an_edge_a_source_is_registered_once,
        an_interest_goes_with_the_first_report_in_vain,
    }
    "3.4": task_4 {
        a_pause_ends_once_and_not_early,
    }
    "3.5": task_5 {
        each_client_is_answered_to_its_end,
        a_server_with_nothing_to_do_sleeps,
        a_long_message_needs_one_report,
        who_does_not_read_is_not_read_from,
        nobody_has_two_turns_before_all_have_one,
        a_crowd_at_the_door_is_let_in,
        without_descriptors_the_server_rests_and_goes_on,
    }
    "3.5": task_5_turns {
        an_error_of_one_client_is_its_own_end,
        who_is_full_is_left_alone_until_there_is_room,
        a_report_gives_no_second_turn,
        each_error_of_an_accept_has_its_own_answer,
    }
}
