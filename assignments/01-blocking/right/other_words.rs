//! differs: A loop with `?` in a function of its own, an iterator over `incoming` clients, replies by `loop` and `match`:
//! the same server in other words.

mod listen {
    pub fn listen(address: SocketAddr, backlog: i32) -> Result<Socket, ListenError> {
        let refused = |error| ListenError::new(address, error);
        let socket =
            Socket::new(Domain::for_address(address), Type::STREAM, None).map_err(refused)?;
        if address.is_ipv6() {
            socket.set_only_v6(true).map_err(refused)?;
        }
        socket.set_reuse_address(true).map_err(refused)?;
        socket.bind(&address.into()).map_err(refused)?;
        match socket.listen(backlog) {
            Ok(()) => Ok(socket),
            Err(error) => Err(refused(error)),
        }
    }
}

mod reply {
    impl Reply for EchoLines {
        fn reply<'a>(
            &mut self,
            received: &'a [u8],
            space: &'a mut Vec<u8>,
        ) -> Result<&'a [u8], LineTooLong> {
            self.lines.push(received);
            loop {
                match self.lines.next_line() {
                    Ok(Some(line)) => space.extend(b"Buffer: ".iter().chain(line)),
                    Ok(None) => return Ok(&space[..]),
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

mod serve {
    pub fn serve<R: Reply>(
        listener: &Socket,
        mut new_reply: impl FnMut() -> R,
        log: Log,
    ) -> io::Result<Infallible> {
        loop {
            let error = match listener.accept() {
                Ok((socket, peer)) => {
                    let peer = peer_address(&peer);
                    let outcome = serve_client(&socket, new_reply(), peer, log);
                    log.line(|| match outcome {
                        Ok(end) => format!("{peer} {end}"),
                        Err(error) => format!("{peer} lost: {error}"),
                    });
                    continue;
                }
                Err(error) => error,
            };
            match AcceptFault::of(&error) {
                AcceptFault::Listener => return Err(error),
                AcceptFault::Exhausted => thread::sleep(2 * BACK_OFF),
                AcceptFault::Client => {}
            }
        }
    }

    pub fn serve_client(
        mut socket: &Socket,
        mut reply: impl Reply,
        _: SocketAddr,
        _: Log,
    ) -> io::Result<End> {
        socket.set_tcp_nodelay(true)?;
        let mut buffer = vec![0; 777];
        loop {
            let count = receive(socket, &mut buffer)?;
            if count == 0 {
                return Ok(End::of(&reply));
            }
            let mut space = Vec::new();
            let outcome =
                reply.reply(&buffer[..count], &mut space).map(|answer| socket.write_all(answer));
            match outcome {
                Ok(sent) => sent?,
                Err(too_long) => {
                    socket.write_all(&space)?;
                    return Ok(End::LineTooLong(too_long));
                }
            }
        }
    }

    #[added]
    fn receive(mut socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match socket.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }
}
