//! Where objects go: the URL of a store.
//!
//! In: text of a person. Out: scheme, bucket, prefix. May touch: nothing.
//! Invariant: a place holds no credential, so that it may stand in settings, logs and the ledger.

use std::fmt;
use std::str::FromStr;

use object_store::path::Path as Key;
use url::Url;

use crate::PlaceError;

/// Kinds of stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Amazon S3 and what speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Gs,
    /// Azure Blob Storage.
    Az,
    /// A folder.
    File,
}

/// A store and a prefix in it, such as `s3://bucket/prefix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    scheme: Scheme,
    bucket: String,
    prefix: Key,
    text: String,
}

impl Place {
    /// What kind of store it is.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Bucket or container; empty for a folder.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The key of an object, whose name is a path with `/`.
    pub(crate) fn key(&self, object: &str) -> Key {
        object
            .split('/')
            .fold(self.prefix.clone(), |key, part| key.join(part))
    }

    /// The folder of a `file` store.
    pub(crate) fn folder(&self) -> String {
        format!("/{}", self.prefix)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Place, PlaceError> {
        let text = text.trim();
        let no_url = || PlaceError::NoUrl {
            text: text.to_owned(),
        };
        let url = Url::parse(text).map_err(|_| no_url())?;
        let scheme = match url.scheme() {
            "s3" | "s3a" => Scheme::S3,
            "gs" => Scheme::Gs,
            "az" => Scheme::Az,
            "file" => Scheme::File,
            other => {
                return Err(PlaceError::Scheme {
                    scheme: other.to_owned(),
                });
            }
        };
        let login = !url.username().is_empty() || url.password().is_some();
        if login || url.query().is_some() || url.fragment().is_some() || url.port().is_some() {
            return Err(PlaceError::Extra);
        }
        let bucket = url.host_str().unwrap_or_default().to_owned();
        let prefix = Key::from_url_path(url.path()).map_err(|_| no_url())?;
        let named = if scheme == Scheme::File {
            bucket.is_empty() && !prefix.as_ref().is_empty()
        } else {
            !bucket.is_empty()
        };
        if !named {
            return Err(PlaceError::NoBucket {
                text: text.to_owned(),
            });
        }
        Ok(Place {
            scheme,
            bucket,
            prefix,
            text: text.trim_end_matches('/').to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(Scheme, &str, &str), PlaceError>) {
        let got = text.parse::<Place>();
        let got = got.map(|place| {
            let key = place.key("warc/a b.warc.gz").to_string();
            (place.scheme, place.bucket.clone(), key)
        });
        let expected = expected.map(|(s, b, k)| (s, b.to_owned(), k.to_owned()));
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn a_place_is_a_scheme_a_bucket_and_a_prefix() {
        check("s3://b", Ok((Scheme::S3, "b", "warc/a b.warc.gz")));
        check("s3://b/x/y/", Ok((Scheme::S3, "b", "x/y/warc/a b.warc.gz")));
        check("gs://b/x", Ok((Scheme::Gs, "b", "x/warc/a b.warc.gz")));
        check("az://c/x", Ok((Scheme::Az, "c", "x/warc/a b.warc.gz")));
        check(
            "file:///srv/a",
            Ok((Scheme::File, "", "srv/a/warc/a b.warc.gz")),
        );
    }

    #[test]
    fn what_is_no_place_is_told() {
        let no_url = |text: &str| {
            Err(PlaceError::NoUrl {
                text: text.to_owned(),
            })
        };
        check("bucket/x", no_url("bucket/x"));
        let scheme = "ftp".to_owned();
        check("ftp://h/x", Err(PlaceError::Scheme { scheme }));
        check("s3://key:secret@b/x", Err(PlaceError::Extra));
        check("s3://b/x?sig=secret", Err(PlaceError::Extra));
        for text in ["s3:///x", "file:///", "file://host/x"] {
            let text = text.to_owned();
            check(&text.clone(), Err(PlaceError::NoBucket { text }));
        }
    }

    #[test]
    fn no_name_leads_out_of_the_prefix() {
        let place: Place = "file:///srv/a".parse().unwrap();
        assert_eq!(
            place.key("../../etc/x").to_string(),
            "srv/a/%2E%2E/%2E%2E/etc/x"
        );
    }
}
