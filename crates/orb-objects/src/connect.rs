//! A store to upload to, made of its place and of options.
//!
//! In: a place, options as the environment names them, a clock. Out: a store.
//! May touch: nothing until the first request. Must not touch: the environment itself.
//! Invariant: an option's value is never part of an error or a log.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::multipart::MultipartStore;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use orb_env::Clock;

use crate::http::Client;
use crate::limits::{RETRIES_MAX, RETRY_FIRST, RETRY_LONGEST, RETRY_SPAN, STALL_MAX};
use crate::{Place, Scheme, UploadError};

/// How a store is spoken to.
#[derive(Clone)]
pub struct StoreOptions {
    /// Names and values as the environment has them (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `GOOGLE_…`, `AZURE_…`);
    /// what no store knows is passed over.
    pub variables: Vec<(String, String)>,
    /// How often a request is repeated.
    pub retries_max: usize,
    /// The first pause before that.
    pub retry_first: Duration,
    /// How long a connection may move nothing.
    pub stall_max: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions {
            variables: Vec::new(),
            retries_max: RETRIES_MAX,
            retry_first: RETRY_FIRST,
            stall_max: STALL_MAX,
        }
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets.
        f.debug_struct("StoreOptions").finish_non_exhaustive()
    }
}

/// A store whose uploads can be gone on with, part by part.
pub(crate) trait ByParts: ObjectStore + MultipartStore {}

impl<S: ObjectStore + MultipartStore> ByParts for S {}

#[derive(Clone)]
pub(crate) enum Kind {
    /// Parts are kept by the store until the upload is completed or forgotten.
    Parts(Arc<dyn ByParts>),
    /// A folder: what is not complete is begun anew.
    Folder(Arc<LocalFileSystem>),
}

/// A store to upload to.
#[derive(Clone)]
pub struct Store {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
    pub(crate) clock: Arc<dyn Clock>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.place)
    }
}

impl Store {
    /// Makes it. Nothing is asked of the store yet.
    ///
    /// # Errors
    /// Options that cannot be.
    pub fn new(
        place: &Place,
        options: &StoreOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Store, UploadError> {
        let setup = |detail: String| UploadError::Setup {
            to: place.to_string(),
            detail,
        };
        let kind = if place.scheme() == Scheme::File {
            Kind::Folder(Arc::new(LocalFileSystem::new().with_fsync(true)))
        } else {
            let client = Client::new(Arc::clone(&clock), options.stall_max).map_err(setup)?;
            let store = cloud(place, options, client).map_err(|error| setup(error.to_string()))?;
            Kind::Parts(store)
        };
        Ok(Store {
            place: place.clone(),
            kind,
            clock,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn objects(&self) -> &dyn ObjectStore {
        match &self.kind {
            Kind::Parts(store) => store.as_ref(),
            Kind::Folder(store) => store.as_ref(),
        }
    }
}

fn cloud(
    place: &Place,
    options: &StoreOptions,
    client: Client,
) -> object_store::Result<Arc<dyn ByParts>> {
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: options.retry_first,
            max_backoff: RETRY_LONGEST.max(options.retry_first),
            base: 2.0,
        },
        max_retries: options.retries_max,
        retry_timeout: RETRY_SPAN,
    };
    // The names that the field's own tools read, in the lower case that the builders know them by.
    let of = |prefix: &'static str| {
        options
            .variables
            .iter()
            .filter(move |(name, value)| name.starts_with(prefix) && !value.is_empty())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
    };
    Ok(match place.scheme() {
        Scheme::Gs => {
            let mut builder = GoogleCloudStorageBuilder::new();
            for (name, value) in of("GOOGLE_") {
                if let Ok(key) = name.parse() {
                    builder = builder.with_config(key, value);
                }
            }
            let builder = builder.with_bucket_name(place.bucket());
            Arc::new(
                builder
                    .with_retry(retry)
                    .with_http_connector(client)
                    .build()?,
            )
        }
        Scheme::Az => {
            let mut builder = MicrosoftAzureBuilder::new();
            for (name, value) in of("AZURE_") {
                if let Ok(key) = name.parse() {
                    builder = builder.with_config(key, value);
                }
            }
            let builder = builder.with_container_name(place.bucket());
            Arc::new(
                builder
                    .with_retry(retry)
                    .with_http_connector(client)
                    .build()?,
            )
        }
        Scheme::S3 | Scheme::File => {
            let mut builder = AmazonS3Builder::new();
            for (name, value) in of("AWS_") {
                if let Ok(key) = name.parse() {
                    builder = builder.with_config(key, value);
                }
            }
            let builder = builder.with_bucket_name(place.bucket());
            Arc::new(
                builder
                    .with_retry(retry)
                    .with_http_connector(client)
                    .build()?,
            )
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::BootClock;

    /// A secret is in no text that may be logged.
    #[test]
    fn nothing_tells_a_secret() {
        let options = StoreOptions {
            variables: vec![
                ("AWS_ACCESS_KEY_ID".into(), "AKIAKEY".into()),
                ("AWS_SECRET_ACCESS_KEY".into(), "s3cr3t".into()),
            ],
            ..StoreOptions::default()
        };
        let place: Place = "s3://b/x".parse().unwrap();
        let store = Store::new(&place, &options, Arc::new(BootClock::new())).unwrap();
        for text in [
            format!("{options:?}"),
            format!("{store:?}"),
            place.to_string(),
        ] {
            assert!(
                !text.contains("s3cr3t") && !text.contains("AKIAKEY"),
                "{text}"
            );
        }
    }

    #[test]
    fn every_scheme_makes_a_store_by_the_options_of_its_kind() {
        let options = StoreOptions {
            variables: vec![
                ("AZURE_STORAGE_ACCOUNT_NAME".into(), "a".into()),
                ("AZURE_STORAGE_ACCOUNT_KEY".into(), "a2V5".into()),
                ("GOOGLE_SKIP_SIGNATURE".into(), "true".into()),
                ("AWS_SKIP_SIGNATURE".into(), "true".into()),
            ],
            ..StoreOptions::default()
        };
        for text in ["s3://b/x", "gs://b/x", "az://c/x", "file:///srv/x"] {
            let place: Place = text.parse().unwrap();
            Store::new(&place, &options, Arc::new(BootClock::new())).unwrap();
        }
    }

    /// The bucket of the URL is the one, whatever the environment says.
    #[test]
    fn an_account_that_is_missing_is_named() {
        let place: Place = "az://c/x".parse().unwrap();
        let made = Store::new(&place, &StoreOptions::default(), Arc::new(BootClock::new()));
        let error = made.unwrap_err().to_string();
        assert!(
            error.contains("az://c/x") && error.to_lowercase().contains("account"),
            "{error}"
        );
    }
}
