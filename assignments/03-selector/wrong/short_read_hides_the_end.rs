//! mistake: A short receive is taken to have emptied the socket, also where the end of file stands behind it.
//! rejected by: 3.3 a_flag_goes_when_the_socket_disproves_it

mod event {
    impl Readiness {
        pub fn after_receive(&mut self, received: &Poll<usize>, room: usize) {
            match received {
                Poll::Ready(count) if *count == room => {}
                _ => *self = *self - Readiness::INCOMING,
            }
        }
    }
}
