//! mistake: A report is good for one receive: what that has left over is thought to be reported again.
//! rejected by: 3.3 a_flag_goes_when_the_socket_disproves_it

mod event {
    impl Readiness {
        pub fn after_receive(&mut self, received: &Poll<usize>, room: usize) {
            let _ = (received, room);
            *self = *self - Readiness::INCOMING;
        }
    }
}
