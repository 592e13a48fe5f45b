//! Two connections that `examples/proxy.rs` joins are as good as one.

#[expect(dead_code, reason = "its `main` is not called here")]
#[path = "../../examples/proxy.rs"]
mod example;

use crate::net::{both, passes, tcp_listener, unconnected};
use chapter_01::Log;
use chapter_02::TryIo;
use chapter_04::{AsyncSocket, running_loop, spawn};
use chapter_05::{Echo, Server, create_server};
use example::proxy;
use std::cell::Cell;
use std::net::{Shutdown, SocketAddr};
use std::rc::Rc;
use std::task::Poll;

/// A proxy, and a connection through it.
async fn through_a_proxy(to: SocketAddr) -> (Server, AsyncSocket) {
    let server = proxy("127.0.0.1:0".parse().unwrap(), to).await.unwrap();
    let address = server.addresses()[0].ip().unwrap();
    let client = unconnected(address);
    client.connect(address).await.unwrap();
    (server, client)
}

async fn receive(peer: &AsyncSocket, count: usize) -> Vec<u8> {
    let mut received = Vec::new();
    while received.len() < count {
        let bytes = peer.recv(count - received.len()).await.unwrap();
        assert!(!bytes.is_empty(), "{} bytes, and then the end", received.len());
        received.extend_from_slice(&bytes);
    }
    received
}

fn pattern(length: usize) -> Vec<u8> {
    let mut bytes = (0..251).collect::<Vec<u8>>().repeat(length / 251 + 1);
    bytes.truncate(length);
    bytes
}

#[test]
fn an_echo_comes_through() {
    both(async |_| {
        let server = create_server(|| Echo::new(Log::Quiet), ("127.0.0.1", 0)).await.unwrap();
        let (proxy, client) = through_a_proxy(server.addresses()[0].ip().unwrap()).await;
        for length in [1, 100_000] {
            client.send_all(&pattern(length)).await.unwrap();
            assert_eq!(receive(&client, length).await, pattern(length));
        }
        client.as_socket().shutdown(Shutdown::Write).unwrap();
        assert!(client.recv(1).await.unwrap().is_empty());
        proxy.close();
        proxy.wait_closed().await;
        server.close();
        server.wait_closed().await;
    });
}

/// TR-08 and TR-25: each direction ends alone, and the connections with the second one.
#[test]
fn a_half_close_comes_through() {
    both(async |_| {
        let (listener, address) = tcp_listener();
        let (proxy, client) = through_a_proxy(address).await;
        let (server, _) = listener.accept().await.unwrap();
        client.send_all(b"question").await.unwrap();
        client.as_socket().shutdown(Shutdown::Write).unwrap();
        assert_eq!(receive(&server, 8).await, b"question");
        assert!(server.recv(1).await.unwrap().is_empty());
        server.send_all(b"answer").await.unwrap();
        assert_eq!(receive(&client, 6).await, b"answer");
        assert_eq!(proxy.connection_count(), 1);
        drop(server);
        assert!(client.recv(1).await.unwrap().is_empty());
        proxy.close();
        proxy.wait_closed().await;
    });
}

/// A client that cannot be served is told so by the end of its connection, and reported.
#[test]
fn a_server_that_is_not_there_ends_the_client_s_connection() {
    both(async |_| {
        let (listener, address) = tcp_listener();
        drop(listener);
        let reported = Rc::new(Cell::new(0));
        let count = Rc::clone(&reported);
        let handler = move |_: &_, _: &_| count.set(count.get() + 1);
        running_loop().unwrap().set_exception_handler(handler);
        let (_proxy, client) = through_a_proxy(address).await;
        assert!(client.recv(1).await.unwrap().is_empty());
        assert_eq!(reported.get(), 1);
    });
}

const FLOOD: usize = 32 * 1024 * 1024;

/// FC-13: a server that does not read is felt by the client. The proxy keeps no more for it than the
/// water marks say, and all of it arrives.
#[test]
fn a_stalled_server_stalls_its_client() {
    both(async |_| {
        let (listener, address) = tcp_listener();
        let (proxy, client) = through_a_proxy(address).await;
        let (server, _) = listener.accept().await.unwrap();
        let sent = send_until_stuck(&client).await;
        assert!(sent < FLOOD, "the proxy takes everything");
        let sending = spawn(async move {
            client.send_all(&pattern(FLOOD)[sent..]).await.unwrap();
            client
        });
        let received = receive(&server, FLOOD).await;
        assert!(received == pattern(FLOOD));
        drop(sending.await.unwrap());
        drop(server);
        proxy.close();
        proxy.wait_closed().await;
    });
}

/// Sends the flood until the kernel takes nothing for many passes of the loop, in each of which the
/// proxy could receive, and says how many bytes that were.
async fn send_until_stuck(client: &AsyncSocket) -> usize {
    let flood = pattern(FLOOD);
    let (mut sent, mut idle) = (0, 0);
    while idle < 1000 && sent < FLOOD {
        match client.as_socket().try_send(&flood[sent..]).unwrap() {
            Poll::Ready(count) => (sent, idle) = (sent + count, 0),
            Poll::Pending => idle += 1,
        }
        passes(1).await;
    }
    sent
}
