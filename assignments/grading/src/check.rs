use crate::story::Verdict;
use crate::trial::Trial;

/// One graded test.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// The id of the task that it belongs to, such as `1.2`.
    pub task: &'static str,
    /// The name of its function: a sentence.
    pub name: &'static str,
    /// What it does.
    pub body: fn(&mut Trial) -> Verdict,
}

/// The `main` of a crate of checks: each task's id with its module and the checks in it.
///
/// A check that is left out is dead code, of which the compiler warns.
///
/// ```ignore
/// mod task_1;
/// mod task_2;
///
/// grading::checks! {
///     "1.1": task_1 { a_line_comes_whole, an_endless_line_is_refused }
///     "1.2": task_2 { a_client_can_connect }
/// }
/// ```
#[macro_export]
macro_rules! checks {
    ($($task:literal: $module:ident { $($name:ident),+ $(,)? })+) => {
        fn main() -> std::process::ExitCode {
            $crate::run(&[$($($crate::Check {
                task: $task,
                name: stringify!($name),
                body: $module::$name,
            }),+),+])
        }
    };
}
