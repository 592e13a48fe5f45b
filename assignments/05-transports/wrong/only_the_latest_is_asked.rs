//! mistake: The delay is taken for a time-out: when the next attempt has started, the one before it is not asked any
//! more.
//! rejected by: 5.6 a_race_goes_as_its_rules_say

mod race_connect {
    async fn next_turn<T, F: Future<Output = io::Result<T>>>(
        race: &mut HappyEyeballs<SocketAddr, Pin<Box<F>>, io::Error>,
        deadline: Option<Instant>,
    ) -> Turn<T> {
        let mut timer = deadline.map(sleep_until);
        poll_fn(|context| {
            if let Some((attempt, connecting)) = race.running_mut().last() {
                match connecting.as_mut().poll(context) {
                    Poll::Ready(Ok(value)) => return Poll::Ready(Turn::Won(value)),
                    Poll::Ready(Err(error)) => {
                        return Poll::Ready(Turn::Lost(vec![(attempt, error)]));
                    }
                    Poll::Pending => {}
                }
            }
            match timer.as_mut().map(|timer| Pin::new(timer).poll(context)) {
                Some(Poll::Ready(_)) => Poll::Ready(Turn::Lost(Vec::new())),
                _ => Poll::Pending,
            }
        })
        .await
    }
}
