use socket2::Socket;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;

/// What a kernel can watch: a type that owns a descriptor.
///
/// As long as nobody has more than a shared reference to a value of such a type, its descriptor
/// stays open and the same. This is what makes a registration sound, so only types of which it is
/// known have the trait.
pub trait Source: AsFd + sealed::Sealed {}

impl<T: AsFd + sealed::Sealed> Source for T {}

mod sealed {
    use super::*;

    pub trait Sealed {}
    impl Sealed for Socket {}
    impl Sealed for OwnedFd {}
    /// A shared owner keeps the value open like a sole one, and can be cloned to be used elsewhere.
    impl<T: Sealed + ?Sized> Sealed for Rc<T> {}
    impl<T: Sealed + ?Sized> Sealed for Arc<T> {}
}
