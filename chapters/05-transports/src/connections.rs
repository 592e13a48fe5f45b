use crate::transport::Transport;
use chapter_04::FutureCell;
use slab::Slab;
use std::cell::RefCell;
use std::rc::{Rc, Weak};

/// The connections of a server that are not lost.
///
/// Its owners are the server and each connection, which strikes itself off after its
/// `connection_lost` (SV-07). It keeps none of them alive (SV-11).
#[derive(Default)]
pub(crate) struct Connections {
    /// As many as there are connections.
    transports: RefCell<Slab<Weak<dyn Transport>>>,
    /// There while somebody waits for a departure.
    departure: RefCell<Option<FutureCell<()>>>,
}

/// The entry of one connection. Dropping it strikes it off.
pub(crate) struct Attachment {
    connections: Rc<Connections>,
    key: usize,
}

impl Connections {
    pub(crate) fn attach(self: &Rc<Connections>, transport: Weak<dyn Transport>) -> Attachment {
        let key = self.transports.borrow_mut().insert(transport);
        Attachment { connections: Rc::clone(self), key }
    }

    pub(crate) fn len(&self) -> usize {
        self.transports.borrow().len()
    }

    /// Each of them at this moment.
    pub(crate) fn all(&self) -> Vec<Rc<dyn Transport>> {
        self.transports.borrow().iter().filter_map(|(_, transport)| transport.upgrade()).collect()
    }

    /// Waits until one is lost. Any number of tasks may wait, and each may stop on its own (SV-08).
    pub(crate) async fn departure(&self) {
        let departure = self.departure.borrow_mut().get_or_insert_with(FutureCell::new).clone();
        // Nobody fails or cancels it.
        let _ = departure.await;
    }

    /// Waits until none is left.
    pub(crate) async fn all_departures(&self) {
        while self.len() > 0 {
            self.departure().await;
        }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let transport = self.connections.transports.borrow_mut().remove(self.key);
        drop(transport);
        let departure = self.connections.departure.take();
        if let Some(departure) = departure {
            // Only this sets it, and it is new each time.
            let _ = departure.set_result(());
        }
    }
}
