use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code of others: gives what it returns, or the message of its panic.
///
/// Who shares data with that code may find it half changed, as after the panic of a thread; what
/// failed is reported, so that this is known.
pub fn contained<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(caught)
}

#[cold]
fn caught(payload: Box<dyn Any + Send>) -> String {
    let message = panic_message(&*payload);
    // The payload may be of any type, and its drop may panic as well: the next one is leaked.
    if let Err(next) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(next);
    }
    message
}

/// Does something with each item that may be code of others. One that panics keeps nothing from the
/// items behind it; the panic hook tells what it said.
pub(crate) fn for_each<I: Iterator>(mut items: I, mut act: impl FnMut(I::Item)) {
    // Around the loop and not in it, for it is done for each message.
    while contained(|| items.by_ref().for_each(&mut act)).is_err() {}
}

/// What an error says of itself. Its text may be asked for where a panic would do harm, as in a
/// destructor.
pub fn contained_text(error: impl fmt::Display) -> String {
    let text = contained(|| error.to_string());
    text.unwrap_or_else(|panic| format!("its text panicked: {panic}"))
}

/// What a panic said, if it said it in words.
fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}
