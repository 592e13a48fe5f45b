//! mistake: The source is put into the table before the kernel is asked: one that is refused stays there.
//! rejected by: 3.1 what_the_kernel_refuses_changes_nothing

mod selector {
    impl<S, D> Selector<S, D> {
        pub fn register(&mut self, source: S, data: D, interest: Interest) -> io::Result<Token> {
            let serial = self.next_serial;
            self.next_serial = (serial + 1) % u32::MAX;
            let added = interest != Interest::NONE;
            let index = self.slots.insert(Slot { source, data, serial, interest, added });
            let token = Token { index: u32::try_from(index).map_err(io::Error::other)?, serial };
            if added {
                self.backend.add(&self.slots[index].source, token, interest)?;
            }
            Ok(token)
        }
    }
}
