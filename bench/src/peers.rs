//! Echo servers on the runtimes that the book's layers are compared to, each as its documentation writes them.

pub(crate) mod python;
pub(crate) mod smol;
pub(crate) mod tokio;
