//! mistake: Over an edge, too, only what is wanted first is asked for: that there is room to send is never told.
//! rejected by: 3.3 over_an_edge_a_source_is_registered_once

mod watch {
    impl<S, D> Selector<S, D> {
        pub fn watch(&mut self, source: S, data: D, wanted: Interest) -> io::Result<Token> {
            self.register(source, data, wanted)
        }
    }
}
