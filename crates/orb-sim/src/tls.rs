//! TLS as outcomes: a handshake takes a moment, then the stream is handed through, or the host has no certificate.
//!
//! In: a connected stream and a host. Out: the same stream. May touch: the web's own word on hosts.
//! Invariant: the same hosts fail here as with the real server.

use std::sync::Arc;
use std::time::Duration;

use orb_env::{BoxStream, Clock, LocalFuture};
use orb_fetch::{Tls, TlsError, TlsFault, TlsInfo};
use orb_simweb::SimWeb;

use crate::time::ProcessClock;

/// How long a handshake takes.
const HANDSHAKE: Duration = Duration::from_millis(15);

/// See the module.
pub(crate) struct SimTls {
    pub(crate) web: Arc<SimWeb>,
    pub(crate) clock: Arc<ProcessClock>,
}

impl Tls for SimTls {
    fn handshake(
        &self,
        stream: BoxStream,
        host: &str,
    ) -> LocalFuture<'_, Result<(BoxStream, TlsInfo), TlsError>> {
        let serves = self.web.serves(host, true);
        Box::pin(async move {
            self.clock
                .sleep_until(self.clock.mono().plus(HANDSHAKE))
                .await;
            if !serves {
                return Err(TlsError {
                    fault: TlsFault::Alert,
                    detail: "no such host here".to_owned(),
                });
            }
            let info = TlsInfo {
                protocol: "TLSv1.3".to_owned(),
                cipher: "TLS_AES_128_GCM_SHA256".to_owned(),
                ..TlsInfo::default()
            };
            Ok((stream, info))
        })
    }
}
