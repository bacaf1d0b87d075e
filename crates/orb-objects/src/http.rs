//! HTTP to a store: one connection a request, TLS by the stack that the crawler has.
//!
//! In: requests of object_store. Out: responses. May touch: sockets to the store's host, and to where its credentials
//! come from.
//! Invariant: a request ends: connecting and stalls have bounds. Nothing of the crawl's permits or guard is used, for the
//! operator named this host.
//!
//! A connection is not kept: a part is megabytes, so that its handshake is small beside it, and a connection that was
//! closed meanwhile is no error of its own.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::{CONNECTION, HOST, HeaderValue};
use http::uri::Scheme;
use http::{Uri, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpResponseBody, HttpService,
};
use orb_env::{Clock, timeout_at};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::limits::CONNECT_MAX;
use crate::patience::Patient;

/// Makes clients for object_store; also the client itself.
#[derive(Clone)]
pub(crate) struct Client {
    tls: TlsConnector,
    clock: Arc<dyn Clock>,
    stall_max: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// A client that trusts the machine's anchors (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others).
    pub(crate) fn new(clock: Arc<dyn Clock>, stall_max: Duration) -> Result<Client, String> {
        let mut anchors = RootCertStore::empty();
        anchors.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(anchors)
            .with_no_client_auth();
        Ok(Client {
            tls: TlsConnector::from(Arc::new(tls)),
            clock,
            stall_max,
        })
    }

    async fn connect(&self, uri: &Uri) -> io::Result<Box<dyn Stream>> {
        let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what);
        let host = uri
            .host()
            .ok_or_else(|| invalid("the store's URL has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let socket = TcpStream::connect((host, port)).await?;
        socket.set_nodelay(true)?;
        let socket = Patient::new(socket, Arc::clone(&self.clock), self.stall_max);
        if !secure {
            return Ok(Box::new(socket));
        }
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| invalid("the store's host is no name that a certificate can have"))?;
        Ok(Box::new(self.tls.connect(name, socket).await?))
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl HttpConnector for Client {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait::async_trait]
impl HttpService for Client {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let at = self.clock.mono().plus(CONNECT_MAX);
        let connect = Client::connect(self, request.uri());
        let stream = timeout_at(self.clock.as_ref(), at, connect)
            .await
            .unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|error| HttpError::new(HttpErrorKind::Connect, error))?;
        to_origin_form(&mut request)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(http_error)?;
        let sending = Box::pin(sender.send_request(request));
        // The connection moves only while somebody looks at it.
        let (response, connection) = match select(sending, Box::pin(connection)).await {
            Either::Left((response, connection)) => (response, Some(connection)),
            Either::Right((_, sending)) => (sending.await, None),
        };
        let (head, body) = response.map_err(http_error)?.into_parts();
        let body = Driven {
            body,
            connection: Mutex::new(connection),
        };
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body)))
    }
}

/// What stands on the request line is the path alone; the host becomes a field, as it was signed.
fn to_origin_form(request: &mut HttpRequest) -> Result<(), HttpError> {
    let unknown = |error: http::Error| HttpError::new(HttpErrorKind::Unknown, error);
    let uri = request.uri().clone();
    let host = uri.authority().map_or("", |authority| {
        let text = authority.as_str();
        text.rsplit_once('@').map_or(text, |(_, host)| host)
    });
    let host = HeaderValue::from_str(host).map_err(|error| unknown(error.into()))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path
        .parse()
        .map_err(|error: http::uri::InvalidUri| unknown(error.into()))?;
    *request.version_mut() = Version::HTTP_11;
    let fields = request.headers_mut();
    fields.entry(HOST).or_insert(host);
    fields.insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(())
}

fn http_error(error: hyper::Error) -> HttpError {
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    let mut kind = HttpErrorKind::Interrupted;
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<io::Error>()
            && io.kind() == io::ErrorKind::TimedOut
        {
            kind = HttpErrorKind::Timeout;
        }
        cause = inner.source();
    }
    HttpError::new(kind, error)
}

type Connection = http1::Connection<TokioIo<Box<dyn Stream>>, HttpRequestBody>;

/// A response's body together with the connection that it comes by.
struct Driven {
    body: Incoming,
    /// A lock only because object_store wants to share bodies between threads; nobody waits for it.
    connection: Mutex<Option<Pin<Box<Connection>>>>,
}

impl Body for Driven {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let slot = self.connection.get_mut();
        let slot = slot.unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = slot
            && connection.as_mut().poll(cx).is_ready()
        {
            // What went wrong with it, the body tells.
            *slot = None;
        }
        Pin::new(&mut self.body).poll_frame(cx).map_err(http_error)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
