//! The head of the HTTP message in a record's block.
//!
//! In: a record. Out: its status and header fields. May touch: nothing but its argument.
//! Invariant: a head is read as far as it can be; what a server wrote never makes it fail.

use crate::{Fields, Record};

/// Status and fields of an HTTP head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpHead {
    /// The status of a response; `None` in a request, and where no three digits stand.
    pub status: Option<u16>,
    /// The header fields.
    pub fields: Fields,
}

impl HttpHead {
    /// The values of all fields of this name, joined as RFC 9110 (5.3) joins them; `None` when there is none.
    #[must_use]
    pub fn joined(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self.fields.get_all(name).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
}

impl Record {
    /// The head of the HTTP message in its block; `None` when there is none, or it does not end.
    #[must_use]
    pub fn http_head(&self) -> Option<HttpHead> {
        let head = &self.block[..self.http_head_len()?];
        let line = memchr::memchr(b'\n', head)? + 1;
        let code = head[..line]
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
            .nth(1)
            .filter(|code| code.len() == 3 && code.iter().all(u8::is_ascii_digit));
        Some(HttpHead {
            status: code
                .and_then(|code| std::str::from_utf8(code).ok())
                .and_then(|code| code.parse().ok()),
            fields: Fields::parse(&head[line..]).0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reader;

    fn head(text: &str) -> Option<HttpHead> {
        let record = format!(
            "WARC/1.1\r\nContent-Type: application/http\r\nContent-Length: {}\r\n\r\n{text}\r\n\r\n",
            text.len()
        );
        Reader::new(record.as_bytes())
            .next_record()
            .unwrap()
            .unwrap()
            .http_head()
    }

    #[test]
    fn a_head_is_read_as_far_as_it_can_be() {
        let found =
            head("HTTP/1.1 301 Moved\r\nLocation: /x\r\nVary: a\r\nvary: b\r\n\r\nbody").unwrap();
        assert_eq!(found.status, Some(301));
        assert_eq!(found.fields.get("location"), Some("/x"));
        assert_eq!(found.joined("Vary").as_deref(), Some("a, b"));
        assert_eq!(found.joined("Age"), None);
        assert_eq!(head("HTTP/1.1  200\r\n\r\n").unwrap().status, Some(200));
        assert_eq!(head("HTTP/1.1 2000 x\r\n\r\n").unwrap().status, None);
        assert_eq!(
            head("GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap().status,
            None
        );
        assert_eq!(head("HTTP/1.1 200 OK\r\nNo-End: x"), None);
    }
}
