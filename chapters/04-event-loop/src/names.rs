use crate::loop_handle::LoopHandle;
use crate::pool::JobError;
use crate::resolver::{Family, ResolveError, Resolver};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

/// The loop's resolver, made when the first name comes.
#[derive(Debug, Default)]
pub(crate) struct HostNames {
    resolver: RefCell<Option<Rc<Resolver>>>,
}

impl HostNames {
    fn resolver(&self) -> Rc<Resolver> {
        Rc::clone(self.resolver.borrow_mut().get_or_insert_default())
    }

    fn replace(&self, resolver: Option<Rc<Resolver>>) -> Option<Rc<Resolver>> {
        self.resolver.replace(resolver)
    }

    /// Takes no more names, and does not wait for the look-ups that run (D-24).
    pub(crate) fn close(&self) -> Option<Rc<Resolver>> {
        self.replace(None)
    }
}

impl LoopHandle {
    /// The addresses of a host, never none, in the order of the system's preference (XR-06); see
    /// [`Resolver::resolve`].
    ///
    /// The look-up has threads of its own: jobs of the executor do not delay it, and it does not
    /// delay the end of the loop (D-24).
    ///
    /// # Errors
    ///
    /// The host has no such address, its name could not be looked up, or the loop is closed.
    pub async fn getaddrinfo(
        &self,
        host: &str,
        port: u16,
        family: Family,
    ) -> Result<Vec<SocketAddr>, ResolveError> {
        self.core.check_open().map_err(|_| {
            ResolveError::Stopped(host.to_owned(), JobError::Closed(Resolver::NAME))
        })?;
        let resolver = self.core.names.resolver();
        resolver.resolve(host, port, family).await
    }

    /// Has the loop look up names with this resolver from now on.
    pub fn set_resolver(&self, resolver: Resolver) {
        let old = self.core.names.replace(Some(Rc::new(resolver)));
        drop(old);
    }
}
