//! The servers on the streams of chapter 06.

use crate::arguments::Arguments;
use crate::role::Role;
use crate::signals::Signals;
use crate::stream_roles::{boom, collect, frame, greet, idle, line, separate_bytes};
use crate::stream_roles::{flood, flood_close, tiny};
use anyhow::Result;
use chapter_01::Log;
use chapter_04::run_with;
use chapter_06::{StreamReader, StreamWriter, echo, start_server, start_unix_server};
use std::cell::Cell;
use std::io;
use std::rc::Rc;

pub(crate) fn play(arguments: Arguments) -> Result<()> {
    run_with(arguments.selector, async move {
        let signals = Signals::listen()?;
        let (role, limits) = (arguments.role, arguments.limits);
        let (place, unix_place) = (arguments.place(), arguments.unix_place());
        let stage = Rc::new(Stage { arguments, echoed: Cell::new(0) });
        let handle = move |reader, writer| Rc::clone(&stage).handle(reader, writer);
        let server = match role {
            Role::Unix => start_unix_server(handle, unix_place, limits).await?,
            _ => start_server(handle, place, limits).await?,
        };
        signals.serve(&server).await
    })?
}

/// What the handlers of all connections share.
struct Stage {
    arguments: Arguments,
    /// How many chunks were echoed, to anybody.
    echoed: Cell<u32>,
}

impl Stage {
    async fn handle(self: Rc<Stage>, reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
        let ended = self.play(reader, writer).await;
        // A client that is lost takes nobody with it, and nothing else fails, but for one role.
        if self.arguments.role == Role::Boom { ended } else { Ok(()) }
    }

    async fn play(&self, reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
        let Arguments { role, bytes, delay, .. } = self.arguments;
        match role {
            Role::Echo | Role::Unix => {
                echo(reader, writer, Log::Quiet).await;
                Ok(())
            }
            Role::Greet => greet(reader, writer, &self.echoed).await,
            Role::Flood => flood(writer, bytes).await,
            Role::FloodClose => flood_close(writer, bytes).await,
            Role::Collect => collect(reader, writer, delay).await,
            Role::Line => line(reader, writer).await,
            Role::Frame => frame(reader, writer).await,
            Role::Idle => idle(writer).await,
            Role::Boom => boom(reader, writer).await,
            Role::SeparateBytes => separate_bytes(reader, writer).await,
            Role::Tiny => tiny(writer).await,
            Role::Connect => unreachable!("it is no server"),
        }
    }
}
