//! Tests that wait for one another, because what they count or change belongs to the whole process.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// No other test that asks for this goes on until it is dropped.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // That another one has failed is no reason to fail.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
