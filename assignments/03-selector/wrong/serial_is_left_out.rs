//! mistake: A token is the place in the table, and a place is given again: the token of a source that is gone
//! names the next one.
//! rejected by: 3.1 an_old_token_names_nothing

mod selector {
    impl<S, D> Selector<S, D> {
        pub fn register(&mut self, source: S, data: D, interest: Interest) -> io::Result<Token> {
            let index = self.slots.vacant_key();
            let token = Token { index: u32::try_from(index).map_err(io::Error::other)?, serial: 0 };
            let added = interest != Interest::NONE;
            if added {
                self.backend.add(&source, token, interest)?;
            }
            self.slots.insert(Slot { source, data, serial: 0, interest, added });
            Ok(token)
        }
    }
}
