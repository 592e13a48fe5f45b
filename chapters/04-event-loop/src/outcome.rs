use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// What a task may end with: a value that can tell whether it is a failure.
///
/// In Python any coroutine may raise, and a task keeps what it raised. In Rust the value of an
/// `async` block says whether it may fail: it is a `Result`. When nobody has looked at the `Err` of
/// a task, the loop reports it (TK-13), and asks this trait whether there is one.
///
/// A type of one's own is a success: `impl Outcome for Mine {}`.
#[diagnostic::on_unimplemented(
    message = "a task cannot end with `{Self}`, which does not tell whether it is a failure",
    note = "`impl chapter_04::Outcome for {Self} {{}}` says that it never is; a body that never ends can have the type `Infallible`"
)]
pub trait Outcome {
    /// What failed, if anything did.
    fn failure(&self) -> Option<&dyn fmt::Display> {
        None
    }
}

impl<T, E: fmt::Display> Outcome for Result<T, E> {
    fn failure(&self) -> Option<&dyn fmt::Display> {
        self.as_ref().err().map(|error| error as &dyn fmt::Display)
    }
}

macro_rules! successes {
    ($($success:ty)*) => { $(impl Outcome for $success {})* };
}

successes! {
    () bool char u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64
    String &str Infallible std::time::Duration std::time::Instant
    std::net::SocketAddr std::os::fd::OwnedFd socket2::Socket crate::AsyncSocket
}

impl<T> Outcome for Option<T> {}
impl<T> Outcome for Vec<T> {}
impl<T: ?Sized> Outcome for Box<T> {}
impl<T: ?Sized> Outcome for Rc<T> {}
impl<T: ?Sized> Outcome for Arc<T> {}
impl<T> Outcome for Cell<T> {}
impl<T> Outcome for RefCell<T> {}
impl<T, const N: usize> Outcome for [T; N] {}
impl<A, B> Outcome for (A, B) {}
impl<A, B, C> Outcome for (A, B, C) {}
