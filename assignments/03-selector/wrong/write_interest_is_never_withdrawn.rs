//! mistake: An interest is added when it is wanted, and never taken away: that there is room to send is reported
//! without end.
//! rejected by: 3.3 an_interest_goes_with_the_first_report_in_vain

mod watch {
    impl<S, D> Selector<S, D> {
        fn settle_interest(
            &mut self,
            token: Token,
            wanted: Interest,
            reported: Interest,
        ) -> io::Result<()> {
            let oneshot = self.mode() == Mode::Oneshot;
            let watched = self.interest(token).ok_or(ErrorKind::NotFound)?;
            if oneshot {
                *watched = *watched - reported;
            }
            let interest = *watched | wanted;
            if interest == *watched { Ok(()) } else { self.modify(token, interest) }
        }
    }
}
