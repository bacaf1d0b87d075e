//! The fetcher, sent to a server that says given bytes and closes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use orb_env::{BoxStream, LocalFuture, Net};
use orb_fetch::Request;
use orb_siege::{ADDRESS, Siege, class};
use orb_url::CrawlUrl;
use tokio::io::AsyncWriteExt;

use super::Read;

struct Says(Vec<u8>);

impl Net for Says {
    fn connect(&self, _: SocketAddr) -> LocalFuture<'_, io::Result<BoxStream>> {
        Box::pin(async {
            let (near, mut far) = tokio::io::duplex(1 << 20);
            far.write_all(&self.0).await?;
            // The other half stays open for the request.
            far.shutdown().await?;
            tokio::task::spawn_local(async move {
                tokio::io::copy(&mut far, &mut tokio::io::sink()).await.ok();
            });
            Ok(Box::new(near) as BoxStream)
        })
    }

    fn ask(&self, _: SocketAddr, _: Vec<u8>) -> LocalFuture<'_, io::Result<Vec<u8>>> {
        Box::pin(std::future::pending())
    }
}

/// What we make of `bytes`, and the class of it.
pub(crate) async fn read(siege: &Siege, bytes: &[u8]) -> (Read, &'static str) {
    let mut env = siege.env.clone();
    env.net = Arc::new(Says(bytes.to_vec()));
    let url = CrawlUrl::parse("http://www.hostile.test/").unwrap();
    let exchange = siege
        .fetcher_in(&env)
        .fetch(siege.permit(&url, ADDRESS), &Request::get(url.clone()))
        .await;
    let class = class(&exchange);
    let read = match exchange.outcome {
        Ok(response) if response.truncated.is_none() => {
            Read::Whole(response.status, response.payload().to_vec())
        }
        Ok(response) => Read::Cut(response.status, response.payload().to_vec()),
        Err(_) => Read::Nothing,
    };
    (read, class)
}
