//! The graded tests of assignment 06.

mod reading;
mod scene;
mod server;
mod task_1;
mod task_2;
mod task_3;
mod task_4;
mod task_5;

grading::checks! {
    "6.1": task_1 {
        a_drain_that_has_room_does_not_wait,
        everybody_who_waits_for_room_is_woken_when_there_is_some,
        a_connection_that_is_lost_tells_all_who_wait_for_room,
        everybody_who_waits_for_the_end_is_told_how_it_was,
        who_writes_without_rest_leaves_the_others_their_turn,
    }
    "6.2": task_2 {
        a_read_is_woken_by_what_comes_and_by_nothing_else,
        reading_pauses_above_the_mark_and_goes_on_at_half_of_it,
        who_waits_for_more_lifts_the_pause,
        what_has_come_is_read_before_the_end_is_told,
        who_reads_without_rest_leaves_the_others_their_turn,
        a_long_stream_over_a_real_socket_loses_nothing,
    }
    "6.3": task_3 {
        exactly_so_many_bytes_come_in_however_many_pieces,
        a_number_that_is_not_reached_gives_what_there_was,
        a_read_that_is_given_up_has_taken_nothing,
    }
    "6.4": task_4 {
        a_separator_is_found_in_whichever_pieces_it_comes,
        of_several_separators_the_one_that_ends_first_counts,
        the_limit_is_for_what_stands_before_the_separator,
        a_separator_that_does_not_come_is_given_up_at_the_limit,
        what_was_searched_is_not_searched_again,
        a_separator_that_never_comes_gives_what_there_was,
    }
    "6.5": task_5 {
        a_handler_that_fails_is_reported_and_its_client_let_go,
        a_handler_that_panics_ends_its_own_client_alone,
        a_handler_may_return_and_leave_its_writer_to_another,
    }
}
