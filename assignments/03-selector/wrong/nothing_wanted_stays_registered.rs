//! mistake: An empty interest is told to the kernel like any other: it goes on to watch the source, and reports
//! its hang-up to nobody, again and again.
//! rejected by: 3.1 the_kernel_knows_whom_something_is_wanted_of

mod selector {
    impl<S, D> Selector<S, D> {
        pub fn register(&mut self, source: S, data: D, interest: Interest) -> io::Result<Token> {
            let serial = self.next_serial;
            let index = self.slots.vacant_key();
            let token = Token { index: u32::try_from(index).map_err(io::Error::other)?, serial };
            self.backend.add(&source, token, interest)?;
            self.slots.insert(Slot { source, data, serial, interest, added: true });
            self.next_serial = (serial + 1) % u32::MAX;
            Ok(token)
        }

        pub fn modify(&mut self, token: Token, interest: Interest) -> io::Result<()> {
            let slot = find(&mut self.slots, token).ok_or(ErrorKind::NotFound)?;
            self.backend.modify(&slot.source, token, interest)?;
            slot.interest = interest;
            Ok(())
        }
    }
}
