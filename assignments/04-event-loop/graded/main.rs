//! The graded tests of assignment 04.
//!
//! They run the loop over a [`kernel`] of their own, which counts what it is asked, and on a clock that only a wait moves.
//! So every number in them is exact.

mod kernel;
mod probe;
mod task_1;
mod task_2;
mod task_3;
mod task_4;
mod task_5;

grading::checks! {
    "4.1": task_1 {
        the_earliest_deadline_comes_first,
        equal_deadlines_keep_the_order_in_which_they_were_set,
        a_timer_is_due_at_its_deadline_and_not_before,
        a_cancelled_timer_is_gone_at_once,
        cancelled_timers_take_no_room,
    }
    "4.2": task_2 {
        what_is_scheduled_runs_in_rounds,
        a_loop_that_is_stopped_ends_with_its_round,
        callbacks_without_end_do_not_keep_the_kernel_waiting,
        a_wait_ends_with_the_first_timer_and_not_before,
        who_is_woken_by_a_timer_may_set_another,
        who_gives_way_goes_on_after_one_look,
        what_another_thread_asks_for_ends_the_wait,
    }
    "4.3": task_3 {
        a_wake_up_while_the_task_is_polled_is_not_lost,
        many_wake_ups_are_one_poll_in_the_next_turn,
        a_task_is_woken_in_the_loop_that_it_is_of,
        a_finished_future_is_never_polled_again,
        who_awaits_a_task_is_woken_at_its_end,
    }
    "4.4": task_4 {
        what_came_before_is_taken_at_once,
        a_report_wakes_whoever_waits_and_nothing_else_does,
        a_report_in_vain_is_waited_out,
        the_last_waker_is_the_one_that_counts,
        who_gives_up_leaves_nothing_behind,
        who_is_always_ready_gives_way,
    }
    "4.5": task_5 {
        a_cancelled_task_ends_in_its_next_turn,
        a_late_future_is_dropped,
        a_future_is_set_once,
        who_waits_for_a_future_is_woken,
    }
}
