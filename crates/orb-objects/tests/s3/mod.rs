//! An S3 server in process, and what goes wrong with it.
//!
//! In: a folder, a judge of requests. Out: an endpoint; a log of what was asked.
//! May touch: 127.0.0.1. Invariant: the server may end at any moment and begin again at the same port.

#![allow(clippy::unwrap_used, reason = "a helper of tests")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpResponse};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

pub(crate) const BUCKET: &str = "archive";
pub(crate) const KEY: &str = "AKIATEST";
pub(crate) const SECRET: &str = "secret";

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is served.
    Pass,
    /// It is answered with this status, and nothing is done.
    Status(u16),
    /// The connection ends before it is served.
    DropBefore,
    /// It is served, and the connection ends before the answer.
    DropAfter,
    /// Nothing comes.
    Stall,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) status: u16,
}

impl Asked {
    /// The number of the part that it brings.
    pub(crate) fn part(&self) -> Option<usize> {
        let (_, rest) = self.target.split_once("partNumber=")?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (self.method == "PUT").then(|| digits.parse().unwrap())
    }

    /// Whether it completes an upload.
    pub(crate) fn completes(&self) -> bool {
        self.method == "POST" && self.target.contains("uploadId=")
    }

    pub(crate) fn is_done(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

type Judge = Box<dyn FnMut(&str, &str) -> Fate + Send>;

pub(crate) struct Server {
    root: PathBuf,
    pub(crate) address: SocketAddr,
    judge: Arc<Mutex<Judge>>,
    log: Arc<Mutex<Vec<Asked>>>,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Server {
    pub(crate) fn start(root: &Path) -> Server {
        std::fs::create_dir_all(root.join(BUCKET)).unwrap();
        let mut server = Server {
            root: root.to_path_buf(),
            address: ([127, 0, 0, 1], 0).into(),
            judge: Arc::new(Mutex::new(Box::new(|_, _| Fate::Pass))),
            log: Arc::default(),
            running: None,
        };
        server.run();
        server
    }

    /// From here on `judge` (method, path and query) says what happens to requests.
    pub(crate) fn judge(&self, judge: impl FnMut(&str, &str) -> Fate + Send + 'static) {
        *self.judge.lock().unwrap() = Box::new(judge);
    }

    /// What was asked since the last call.
    pub(crate) fn take_log(&self) -> Vec<Asked> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    /// Ends it with every connection; what it was writing stays as it is.
    pub(crate) fn kill(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            stop.send(()).ok(); // it may have ended
            thread.join().unwrap();
        }
    }

    pub(crate) fn run(&mut self) {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let (root, address) = (self.root.clone(), self.address);
        let (judge, log) = (Arc::clone(&self.judge), Arc::clone(&self.log));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind(address).await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let mut builder = S3ServiceBuilder::new(FileSystem::new(root).unwrap());
                builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
                let serving = std::pin::pin!(serve(listener, builder.build(), judge, log));
                futures_util::future::select(serving, stopped).await;
            });
            runtime.shutdown_background();
        });
        self.address = told.recv().unwrap();
        self.running = Some((stop, thread));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn serve(
    listener: TcpListener,
    service: S3Service,
    judge: Arc<Mutex<Judge>>,
    log: Arc<Mutex<Vec<Asked>>>,
) {
    let mut connections = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let (service, judge, log) = (service.clone(), Arc::clone(&judge), Arc::clone(&log));
        let answer = service_fn(move |request| {
            answer(
                service.clone(),
                Arc::clone(&judge),
                Arc::clone(&log),
                request,
            )
        });
        connections.spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new();
            connection
                .serve_connection(TokioIo::new(socket), answer)
                .await
                .ok(); // broken off, as asked for
        });
    }
}

async fn answer(
    service: S3Service,
    judge: Arc<Mutex<Judge>>,
    log: Arc<Mutex<Vec<Asked>>>,
    request: hyper::Request<Incoming>,
) -> Result<HttpResponse, std::io::Error> {
    let broken = || std::io::Error::other("broken off");
    let method = request.method().to_string();
    let target = request.uri().to_string();
    let fate = (judge.lock().unwrap())(&method, &target);
    let mut asked = Asked {
        method,
        target,
        status: 0,
    };
    let response = match fate {
        Fate::Pass | Fate::DropAfter => {
            // A request that was taken is carried out and counts, though the client may leave before its answer.
            #[allow(clippy::disallowed_methods)]
            let carried_out = tokio::task::spawn(async move {
                let response = Service::call(&service, request).await.ok()?;
                asked.status = response.status().as_u16();
                log.lock().unwrap().push(asked);
                Some(response)
            });
            Some(carried_out.await.ok().flatten().ok_or_else(broken)?)
        }
        Fate::Status(status) => {
            log.lock().unwrap().push(asked);
            let text = "<Error><Code>Test</Code></Error>".to_owned();
            let response = hyper::Response::builder().status(status);
            Some(response.body(Body::from(text)).unwrap())
        }
        Fate::DropBefore => {
            log.lock().unwrap().push(asked);
            None
        }
        Fate::Stall => std::future::pending().await,
    };
    response
        .filter(|_| fate != Fate::DropAfter)
        .ok_or_else(broken)
}
