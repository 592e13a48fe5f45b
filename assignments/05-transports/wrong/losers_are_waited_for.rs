//! mistake: When one has won, the others are let come to their ends, so that they can close their sockets.
//! rejected by: 5.6 whoever_loses_is_closed_before_the_winner_is_given

mod race_connect {
    pub async fn connect_any<T>(
        addresses: Vec<SocketAddr>,
        options: RaceOptions,
        connect: impl AsyncFn(SocketAddr) -> io::Result<T>,
    ) -> Result<T, ConnectErrors> {
        let addresses = options.order(addresses);
        let race = HappyEyeballs::new(addresses, options.delay);
        let mut race = race.ok_or_else(|| ConnectErrors::from(Vec::new()))?;
        let mut winner = None;
        loop {
            let deadline = race.start_due(now(), |address| Box::pin(connect(address)));
            match next_turn(&mut race, deadline).await {
                Turn::Won(attempt, value) => {
                    winner.get_or_insert(value);
                    race = match race.failed(attempt, io::ErrorKind::Other.into()) {
                        Ok(race) => race,
                        Err(errors) => return winner.ok_or_else(|| errors.into()),
                    };
                }
                Turn::Lost(failures) => {
                    for (attempt, error) in failures {
                        race = match race.failed(attempt, error) {
                            Ok(race) => race,
                            Err(errors) => return winner.ok_or_else(|| errors.into()),
                        };
                    }
                }
            }
        }
    }

    enum Turn<T> {
        Won(Attempt, T),
        Lost(Vec<(Attempt, io::Error)>),
    }

    async fn next_turn<T, F: Future<Output = io::Result<T>>>(
        race: &mut HappyEyeballs<SocketAddr, Pin<Box<F>>, io::Error>,
        deadline: Option<Instant>,
    ) -> Turn<T> {
        let mut timer = deadline.map(sleep_until);
        poll_fn(|context| {
            let mut failures = Vec::new();
            for (attempt, connecting) in race.running_mut() {
                match connecting.as_mut().poll(context) {
                    Poll::Ready(Ok(value)) => return Poll::Ready(Turn::Won(attempt, value)),
                    Poll::Ready(Err(error)) => failures.push((attempt, error)),
                    Poll::Pending => {}
                }
            }
            let is_due =
                timer.as_mut().is_some_and(|timer| Pin::new(timer).poll(context).is_ready());
            if failures.is_empty() && !is_due {
                return Poll::Pending;
            }
            Poll::Ready(Turn::Lost(failures))
        })
        .await
    }
}
