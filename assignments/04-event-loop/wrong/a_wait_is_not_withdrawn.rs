//! mistake: An operation that is dropped leaves its waker where it was: the report that it waited for wakes a task which
//! has long gone on, and the kernel watches for nobody.
//! rejected by: 4.4 who_gives_up_leaves_nothing_behind

mod async_socket {
    impl<S, F> Drop for Operation<'_, S, F> {
        fn drop(&mut self) {}
    }
}
