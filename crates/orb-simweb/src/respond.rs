//! From a request to the bytes of a response and how to send them.
//!
//! In: [`SimRequest`]. Out: [`SimResponse`]. May touch: `answer`, `page`, `robots`, `sitemap`.
//! Must not touch: sockets, clocks.
//! Invariant: one request gives one response, except pages that recover, which count their attempts.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use orb_env::Wall;

use crate::SimWeb;
use crate::answer::Answer;
use crate::chance::scramble;
use crate::frame::{Content, frame};
use crate::limits::MAZE_PAGES_MAX;
use crate::page::write_page;
use crate::place::{Path, Place};
use crate::plan::Plan;
use crate::site::{Framing, HostKind, RobotsKind, Site};
use crate::words::{hex16, number, phrase};

/// One request, read by whoever serves the transport.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimRequest<'a> {
    /// `GET` or `HEAD`; others get 405.
    pub method: &'a str,
    /// The `Host` field, port or not.
    pub host: &'a str,
    /// Path and query as in the request line.
    pub target: &'a str,
    /// Whether it came over TLS.
    pub secure: bool,
    /// Whether the client accepts gzip.
    pub accept_gzip: bool,
    /// The `If-None-Match` field.
    pub if_none_match: Option<&'a str>,
    /// The server's wall clock, which sites that live change by.
    pub now: Wall,
}

impl<'a> SimRequest<'a> {
    /// A plain `GET` that accepts gzip.
    #[must_use]
    pub fn get(host: &'a str, target: &'a str, secure: bool) -> SimRequest<'a> {
        SimRequest {
            method: "GET",
            host,
            target,
            secure,
            accept_gzip: true,
            if_none_match: None,
            now: Wall::default(),
        }
    }
}

/// A response: bytes, and how to send them.
#[derive(Clone, Debug)]
pub struct SimResponse {
    /// The status in the head; zero when nothing is ever sent.
    pub status: u16,
    /// Status line and fields with the empty line at their end.
    pub head: Vec<u8>,
    /// The body as framed for HTTP/1.1, in parts; shared blocks are not copied.
    pub body: Vec<Bytes>,
    /// How to send it.
    pub conduct: Conduct,
}

/// How a response is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conduct {
    /// Wait before the first byte.
    pub first_byte_delay: Duration,
    /// Reset the connection after so many bytes of head and body.
    pub reset_after: Option<usize>,
    /// Send nothing and keep the connection open.
    pub hang: bool,
    /// Close after the response.
    pub close: bool,
}

const HTML: &[u8] = b"text/html; charset=utf-8";
/// The smallest transparent GIF.
const PIXEL: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x01D\0;";

impl SimWeb {
    /// Answers one request. Cost: about 10 us for a page of 242 KB, 2 us for a tiny one.
    #[must_use]
    pub fn respond(&self, request: &SimRequest<'_>) -> SimResponse {
        let Some((index, www)) = self.atlas.parse_host(request.host) else {
            return plain(421, b"no such host here\n".to_vec());
        };
        if self.atlas.config.traps {
            return self.respond_trap(index, request);
        }
        let site = self.atlas.site(index);
        let path = self.atlas.parse_path(index, request.target);
        let place = Place {
            site: index,
            www,
            secure: request.secure,
            path,
        };
        let answer = self.atlas.answer(place);
        if answer == Answer::Silence {
            let conduct = Conduct {
                hang: true,
                close: true,
                ..Conduct::default()
            };
            return SimResponse {
                status: 0,
                head: Vec::new(),
                body: Vec::new(),
                conduct,
            };
        }
        let head_only = request.method == "HEAD";
        if !head_only && request.method != "GET" {
            return plain(405, b"only GET and HEAD\n".to_vec());
        }
        let content = self.content(place, answer, site, request);
        let cut = match answer {
            Answer::Page { cut, .. } => cut,
            _ => None,
        };
        let mut response = frame(content, site.framing, cut, head_only);
        response.conduct.first_byte_delay = self.latency(index);
        if site.host == HostKind::Slow {
            let millis = 200 + self.atlas.draw(18, index, 0) % 1_800;
            response.conduct.first_byte_delay += Duration::from_millis(millis);
        }
        response
    }

    /// The wait before each answer of a site, evenly spread between the bounds.
    fn latency(&self, site: u32) -> Duration {
        let config = &self.atlas.config;
        let (low, high) = (config.latency_ms_min, config.latency_ms_max);
        let width = u64::from(high.saturating_sub(low)) + 1;
        let above = self.atlas.draw(22, site, 0) % width;
        Duration::from_millis(u64::from(low) + above)
    }

    fn content(
        &self,
        place: Place,
        answer: Answer,
        site: &Site,
        request: &SimRequest<'_>,
    ) -> Content {
        let gzip = request.accept_gzip && site.framing.gzip;
        match answer {
            Answer::Page { page, .. } => self.page(place, page, gzip, request),
            Answer::Recovers {
                page,
                status,
                times,
            } => {
                if self.note_attempt(place.site, place.www, page) <= times {
                    return self.error(place, status);
                }
                self.page(place, page, gzip, request)
            }
            Answer::Error(status) => self.error(place, status),
            Answer::Gone(status) => self.gone(status),
            Answer::Redirect(status, to) => self.redirect(status, place, to),
            Answer::Maze(page) => self.maze(page),
            Answer::Robots(kind) => self.robots(place, kind),
            Answer::Sitemap(part) => match self.atlas.sitemap_file(place.site, part, request.now) {
                Some(file) if self.atlas.is_packed(place.site, part) => {
                    Content::new(200, b"application/gzip", file)
                }
                Some(file) => Content::new(200, b"application/xml", file),
                None => self.gone(404),
            },
            Answer::Style => {
                Content::new(200, b"text/css", b"body { margin: 2em auto; }\n".to_vec())
            }
            Answer::Image | Answer::Silence => Content::new(200, b"image/gif", PIXEL.to_vec()),
        }
    }

    fn page(&self, place: Place, page: u32, gzip: bool, request: &SimRequest<'_>) -> Content {
        let (edition, changed) = self.atlas.edition(place.site, page, request.now);
        let mut fields = b"ETag: ".to_vec();
        let tag = fields.len();
        fields.extend_from_slice(b"W/\"");
        hex16(
            &mut fields,
            self.atlas.draw(19, place.site, page) ^ scramble(edition),
        );
        fields.push(b'"');
        if request
            .if_none_match
            .is_some_and(|known| known.as_bytes() == &fields[tag..])
        {
            fields.extend_from_slice(b"\r\n");
            let mut content = Content::new(304, HTML, Vec::new());
            content.fields = fields;
            return content;
        }
        fields.extend_from_slice(b"\r\nLast-Modified: ");
        fields.extend_from_slice(http_date(changed).as_bytes());
        fields.extend_from_slice(b"\r\n");
        let mut plan = self.atlas.plan(place, page);
        plan.edition = edition;
        self.page_fields(&mut fields, place, &plan);
        let parts = write_page(&self.atlas, &self.library, place, page, &plan, gzip);
        let kind = match (
            self.atlas.site(place.site).framing.wrong_charset,
            place.site % 4,
        ) {
            (true, _) => &b"text/html; charset=ISO-8859-1"[..],
            (false, 0) => b"text/html",
            (false, _) => HTML,
        };
        Content {
            status: 200,
            kind,
            parts,
            gzip,
            fields,
        }
    }

    fn page_fields(&self, fields: &mut Vec<u8>, place: Place, plan: &Plan) {
        if plan.header_nofollow {
            fields.extend_from_slice(b"X-Robots-Tag: nofollow\r\n");
        }
        if place.site.is_multiple_of(3) {
            fields.extend_from_slice(b"set-cookie: visit=1; Path=/; HttpOnly\r\n");
        }
    }

    fn error(&self, place: Place, status: u16) -> Content {
        let mut content = Content::new(
            status,
            HTML,
            b"<!DOCTYPE html><title>Try later</title>\n".to_vec(),
        );
        if status != 500 {
            content.fields.extend_from_slice(b"Retry-After: ");
            number(&mut content.fields, 1 + u64::from(place.site % 3));
            content.fields.extend_from_slice(b"\r\n");
        }
        content
    }

    fn gone(&self, status: u16) -> Content {
        let text = b"<!DOCTYPE html><title>Nothing here</title><p><a href=\"/\">front page</a>\n";
        Content::new(status, HTML, text.to_vec())
    }

    fn redirect(&self, status: u16, from: Place, to: Place) -> Content {
        let mut content = Content::new(
            status,
            HTML,
            b"<!DOCTYPE html><title>Moved</title>\n".to_vec(),
        );
        content.fields.extend_from_slice(b"Location: ");
        let same_origin = from.site == to.site && from.www == to.www && from.secure == to.secure;
        if same_origin && from.site & 1 == 0 {
            self.atlas.write_path(&mut content.fields, to.site, to.path);
        } else {
            self.atlas.write_url(&mut content.fields, to);
        }
        content.fields.extend_from_slice(b"\r\n");
        content
    }

    /// The maze: each page leads two pages on, until its end.
    fn maze(&self, page: u32) -> Content {
        let mut text = b"<!DOCTYPE html><title>Maze</title><p>".to_vec();
        phrase(&mut text, self.atlas.draw(20, page, 0));
        for next in [page * 2 + 1, page * 2 + 2] {
            if next < MAZE_PAGES_MAX {
                text.extend_from_slice(b" <a href=\"/maze/");
                number(&mut text, next.into());
                text.extend_from_slice(b"\">on</a>");
            }
        }
        Content::new(200, HTML, text)
    }

    fn robots(&self, place: Place, kind: RobotsKind) -> Content {
        let shared = place.path == Path::SharedRobots;
        Content::new(
            200,
            b"text/plain",
            self.atlas.robots_text(place.site, kind, shared),
        )
    }
}

/// RFC 9110, 5.6.7; changes lie on whole seconds.
fn http_date(wall: Wall) -> String {
    let date = Timestamp::from_microsecond(wall.0).unwrap_or(Timestamp::MAX);
    date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn plain(status: u16, text: Vec<u8>) -> SimResponse {
    let framing = Framing {
        chunked: false,
        length_over: false,
        length_under: false,
        gzip: false,
        wrong_charset: false,
        closing: true,
    };
    frame(
        Content::new(status, b"text/plain", text),
        framing,
        None,
        false,
    )
}
