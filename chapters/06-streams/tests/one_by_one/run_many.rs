//! Many clients, and nothing is left of them. Descriptors are counted, so this test is alone in its
//! process.

use crate::caller::{counted, holds};
use crate::guests::{address, until};
use crate::stack::{STACKS, Stack};
use chapter_04::{join_all, spawn};
use chapter_05::{AnyProtocol, create_connection, create_server};
use chapter_06::{StreamLimits, StreamProtocol, StreamReader, StreamWriter, Streams, protocols};
use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

const CLIENTS: usize = 50;
const REQUESTS: usize = 200;

/// How a client ends.
#[derive(Debug, Clone, Copy)]
enum Ends {
    Closes,
    Drops,
    Finishes,
    Aborts,
}

/// ST-01 and D-04: fifty clients with two hundred requests each, which end in each way: afterwards the
/// process has the descriptors, and the loop the sources, timers and tasks, that it had before.
#[test]
fn many_clients_with_many_requests_leave_nothing() {
    counted(|| async {
        for stack in STACKS {
            let before = holds();
            let alive = Rc::new(());
            let plain = protocols(answering(&alive), StreamLimits::default());
            let make = move || stack.below(AnyProtocol::new(plain()).0);
            let server = create_server(make, ("127.0.0.1", 0)).await.unwrap();
            let at = address(&server);
            let ends = [Ends::Closes, Ends::Drops, Ends::Finishes, Ends::Aborts];
            let clients = (0..CLIENTS).map(|number| spawn(ask(stack, at, ends[number % 4])));
            for outcome in join_all(clients).await {
                outcome.unwrap().unwrap();
            }
            until(|| server.connection_count() == 0).await;
            drop(server);
            until(|| holds() == before).await;
            assert_eq!(Rc::strong_count(&alive), 1, "{stack:?}: a handler is left");
        }
    });
}

/// A handler that answers each line, for as long as `alive` shows.
fn answering(
    alive: &Rc<()>,
) -> impl Fn(StreamReader, StreamWriter) -> std::pin::Pin<Box<dyn Future<Output = ()>>> + use<> {
    let alive = Rc::downgrade(alive);
    move |mut reader, writer| {
        let alive = alive.upgrade();
        Box::pin(async move {
            let _alive = alive;
            // A client that aborts may have reset the connection.
            while let Ok(line) = reader.readline().await {
                if line.is_empty() || writer.write(&line).is_err() {
                    return;
                }
                if writer.drain().await.is_err() {
                    return;
                }
            }
        })
    }
}

async fn open(stack: Stack, at: SocketAddr) -> anyhow::Result<Streams> {
    let place = Rc::<Cell<Option<Streams>>>::default();
    let put = Rc::clone(&place);
    let protocol = StreamProtocol::new(StreamLimits::default(), move |reader, writer| {
        put.set(Some((reader, writer)));
        Ok(())
    });
    let protocol = stack.below(AnyProtocol::new(protocol).0);
    create_connection(|| protocol, at).await?;
    Ok(place.take().unwrap())
}

async fn ask(stack: Stack, at: SocketAddr, ends: Ends) -> anyhow::Result<()> {
    let (mut reader, writer) = open(stack, at).await?;
    for number in 0..REQUESTS {
        let line = format!("request {number}\n");
        writer.write(line.as_bytes())?;
        writer.drain().await?;
        anyhow::ensure!(reader.readline().await? == line.as_bytes());
    }
    match ends {
        Ends::Closes => writer.close().await?,
        Ends::Drops => drop(writer),
        Ends::Finishes => {
            writer.write_eof()?;
            anyhow::ensure!(reader.readline().await?.is_empty());
        }
        Ends::Aborts => writer.transport().abort(),
    }
    Ok(())
}
