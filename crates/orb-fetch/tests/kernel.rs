//! The same fetcher over the kernel's sockets on loopback: connections are used again, and their end is seen.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod scripted;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use orb_env::{BootClock, KernelNet};
use orb_fetch::*;
use scripted::World;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Serves `per_connection` requests on each connection, then closes it and says so.
fn serve(listener: TcpListener, per_connection: usize, closed: std::sync::mpsc::SyncSender<()>) {
    while let Ok((mut stream, _)) = listener.accept() {
        for _ in 0..per_connection {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read(&mut byte) {
                    Ok(1) => head.push(byte[0]),
                    _ => return,
                }
            }
            stream.write_all(OK).unwrap();
        }
        drop(stream);
        closed.send(()).unwrap();
    }
}

/// Whether each of three exchanges used an idle connection, against a server that closes after so many.
async fn reuse(per_connection: usize) -> Vec<bool> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (closed_in, closed) = std::sync::mpsc::sync_channel(10);
    std::thread::spawn(move || serve(listener, per_connection, closed_in));
    let mut world = World::new();
    world.env.clock = Arc::new(BootClock::new());
    world.env.net = Arc::new(KernelNet);
    world.guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap()], Vec::new());
    let fetcher = world.fetcher();
    let mut request = scripted::request(&url);
    request.keep_open = true;
    let mut reused = Vec::new();
    for done in 1..=3 {
        let now = world.env.clock.mono();
        let permit = scripted::permit(&request.url, [127, 0, 0, 1].into(), now);
        let exchange = fetcher.fetch(permit, &request).await;
        assert_eq!(exchange.outcome.unwrap().payload(), b"ok");
        reused.push(exchange.reused);
        if done % per_connection == 0 {
            closed.recv().unwrap();
        }
        // The runtime looks at its sockets when it has nothing else to do.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    reused
}

#[test]
fn idle_connections_are_used_again_until_they_close() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .unwrap();
    assert_eq!(runtime.block_on(reuse(10)), [false, true, true]);
    assert_eq!(runtime.block_on(reuse(1)), [false, false, false]);
    assert_eq!(runtime.block_on(reuse(2)), [false, true, false]);
}
