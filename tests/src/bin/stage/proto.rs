//! The servers on the transports of chapter 05.

use crate::arguments::Arguments;
use crate::flood::{Flood, FloodClose};
use crate::greet::Greet;
use crate::role::Role;
use crate::signals::Signals;
use anyhow::Result;
use chapter_01::Log;
use chapter_04::run_with;
use chapter_05::{Echo, Server, create_server, create_unix_server};
use std::cell::Cell;
use std::rc::Rc;

pub(crate) fn play(arguments: Arguments) -> Result<()> {
    run_with(arguments.selector, async move {
        let signals = Signals::listen()?;
        let server = open(&arguments).await?;
        signals.serve(&server).await
    })?
}

async fn open(arguments: &Arguments) -> Result<Server> {
    let (bytes, at) = (arguments.bytes, arguments.place());
    Ok(match arguments.role {
        Role::Echo => create_server(|| Echo::new(Log::Quiet), at).await?,
        Role::Greet => {
            let echoed = Rc::new(Cell::new(0));
            create_server(move || Greet::new(Rc::clone(&echoed)), at).await?
        }
        Role::Flood => create_server(move || Flood::new(bytes), at).await?,
        Role::FloodClose => create_server(move || FloodClose::new(bytes), at).await?,
        Role::Unix => create_unix_server(|| Echo::new(Log::Quiet), arguments.unix_place()).await?,
        _ => unreachable!("it is no server of this layer"),
    })
}
