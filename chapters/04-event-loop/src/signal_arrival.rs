use crate::future_cell::FutureCell;
use crate::loop_handle::LoopHandle;
use std::io;

impl LoopHandle {
    /// A future that is done once the signal arrives, for a task that is to wait for it. It takes
    /// the place of the handler that this loop had for the signal.
    ///
    /// # Errors
    ///
    /// As [`add_signal_handler`](LoopHandle::add_signal_handler).
    #[track_caller]
    pub fn signal_arrival(&self, signal: i32) -> io::Result<FutureCell<()>> {
        let arrived = self.create_future();
        let cell = arrived.clone();
        self.add_signal_handler(signal, move || {
            // The first arrival is told; those after it, and a wait that was given up, are not.
            let _ = cell.set_result(());
        })?;
        Ok(arrived)
    }
}
