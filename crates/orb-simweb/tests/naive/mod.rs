//! A naive client: just enough HTTP, HTML and robots to walk the web without knowing how it is made.
//!
//! In: a web. Out: decoded responses, links, robots verdicts. Shares nothing with the crate's own planning.

#![allow(dead_code)] // each test binary uses a part

use orb_simweb::{SimRequest, SimResponse, SimWeb};
use url::Url;

/// A response with its body decoded.
pub(crate) struct Fetched {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    /// Body with transfer and content coding removed.
    pub(crate) body: Vec<u8>,
    pub(crate) wire_bytes: usize,
    /// Fewer bytes came than promised.
    pub(crate) short: bool,
}

impl Fetched {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// One request; `None` when nothing is ever answered.
pub(crate) fn fetch(web: &SimWeb, url: &Url, gzip: bool) -> Option<Fetched> {
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let secure = url.scheme() == "https";
    let request = SimRequest {
        accept_gzip: gzip,
        ..SimRequest::get(url.host_str()?, target, secure)
    };
    let response = web.respond(&request);
    (!response.conduct.hang).then(|| decode(&response))
}

/// Reads a response the way HTTP/1.1 says.
pub(crate) fn decode(response: &SimResponse) -> Fetched {
    let head = String::from_utf8(response.head.clone()).unwrap();
    let head = head
        .strip_suffix("\r\n\r\n")
        .expect("the head ends with an empty line");
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap();
    assert_eq!(
        status_line.split(' ').nth(1),
        Some(response.status.to_string().as_str())
    );
    let fields: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut fetched = Fetched {
        status: response.status,
        fields,
        body: Vec::new(),
        wire_bytes: 0,
        short: false,
    };
    let mut body = response.body.concat();
    fetched.wire_bytes = body.len();
    if let Some(limit) = response.conduct.reset_after {
        body.truncate(limit - response.head.len());
        fetched.short = true;
    }
    if fetched.field("transfer-encoding") == Some("chunked") {
        body = dechunk(&body);
    } else if let Some(promised) = fetched.field("content-length") {
        let promised: usize = promised.parse().unwrap();
        fetched.short |= body.len() < promised;
        assert_eq!(fetched.short, body.len() < promised);
        body.truncate(promised);
    } else {
        assert!(body.is_empty());
    }
    if fetched.field("content-encoding") == Some("gzip") && !fetched.short {
        body = gunzip(&body);
    }
    fetched.body = body;
    fetched
}

fn dechunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let end = bytes.windows(2).position(|pair| pair == b"\r\n").unwrap();
        let line = std::str::from_utf8(&bytes[..end]).unwrap();
        let size = usize::from_str_radix(line.split(';').next().unwrap(), 16).unwrap();
        let data = &bytes[end + 2..];
        out.extend_from_slice(&data[..size]);
        assert_eq!(&data[size..size + 2], b"\r\n");
        bytes = &data[size + 2..];
        if size == 0 {
            assert!(bytes.is_empty());
            return out;
        }
    }
}

pub(crate) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let size = u32::from_le_bytes(bytes[bytes.len() - 4..].try_into().unwrap());
    let mut out = vec![0; size as usize];
    let written = libdeflater::Decompressor::new()
        .gzip_decompress(bytes, &mut out)
        .unwrap();
    assert_eq!(written, out.len());
    out
}

/// An element of interest: its name and its attributes in lower case.
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Tag {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

/// All start tags outside comments and scripts.
pub(crate) fn tags(html: &str) -> Vec<Tag> {
    let mut out = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if rest.starts_with("<!--") {
            rest = rest.split_once("-->").unwrap().1;
        } else if rest.starts_with("<script") {
            rest = rest.split_once("</script>").unwrap().1;
        } else if rest[1..].starts_with(|first: char| first.is_ascii_alphabetic()) {
            let (tag, after) = tag(&rest[1..]);
            out.push(tag);
            rest = after;
        } else {
            rest = &rest[1..];
        }
    }
    out
}

fn tag(text: &str) -> (Tag, &str) {
    let end = text.find([' ', '\n', '>', '/']).unwrap();
    let mut tag = Tag {
        name: text[..end].to_ascii_lowercase(),
        attributes: Vec::new(),
    };
    let mut rest = text[end..].trim_start_matches([' ', '\n', '/']);
    while !rest.starts_with('>') {
        let end = rest.find([' ', '\n', '>', '=']).unwrap();
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            rest = after.trim_start();
            let quote = rest.chars().next().unwrap();
            if quote == '"' || quote == '\'' {
                (value, rest) = rest[1..].split_once(quote).unwrap();
            } else {
                let end = rest.find([' ', '\n', '>']).unwrap();
                (value, rest) = rest.split_at(end);
            }
        }
        tag.attributes.push((name, value.replace("&amp;", "&")));
        rest = rest.trim_start();
    }
    (tag, &rest[1..])
}

/// The URLs that a page's `<a>` elements lead to, links not to be followed left out.
pub(crate) fn followed_links(page: &Url, fetched: &Fetched) -> Vec<Url> {
    let nofollow = |text: &str| text.to_ascii_lowercase().contains("nofollow");
    if fetched.field("x-robots-tag").is_some_and(nofollow) {
        return Vec::new();
    }
    let html = String::from_utf8(fetched.body.clone()).unwrap();
    let tags = tags(&html);
    let robots = |tag: &&Tag| {
        tag.name == "meta"
            && tag
                .get("name")
                .is_some_and(|name| name.eq_ignore_ascii_case("robots"))
    };
    if tags
        .iter()
        .filter(robots)
        .any(|tag| tag.get("content").is_some_and(nofollow))
    {
        return Vec::new();
    }
    let base = tags
        .iter()
        .find(|tag| tag.name == "base")
        .and_then(|tag| tag.get("href"));
    let base = base.map_or_else(|| page.clone(), |href| page.join(href).unwrap());
    tags.iter()
        .filter(|tag| tag.name == "a" && !tag.get("rel").is_some_and(nofollow))
        .filter_map(|tag| tag.get("href"))
        .map(|href| base.join(href).unwrap())
        .filter(|url| url.scheme().starts_with("http"))
        .map(|mut url| {
            url.set_fragment(None);
            url
        })
        .collect()
}

#[derive(Default)]
struct Group {
    agents: Vec<String>,
    rules: Vec<(bool, String)>,
    crawl_delay: u32,
}

/// A robots file as far as our web writes them.
pub(crate) struct Robots {
    rules: Vec<(bool, String)>,
    pub(crate) crawl_delay: u32,
    pub(crate) sitemaps: Vec<String>,
}

impl Robots {
    pub(crate) fn parse(bytes: &[u8]) -> Robots {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let mut groups: Vec<Group> = Vec::new();
        let mut sitemaps = Vec::new();
        let mut naming = false;
        for line in text.trim_start_matches('\u{feff}').split(['\r', '\n']) {
            let line = line.split('#').next().unwrap();
            let Some((field, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            let field = field.trim().to_ascii_lowercase();
            if field == "user-agent" {
                if !naming {
                    groups.push(Group::default());
                }
                groups
                    .last_mut()
                    .unwrap()
                    .agents
                    .push(value.to_ascii_lowercase());
            } else if field == "sitemap" {
                sitemaps.push(value.to_owned());
                continue;
            } else if let Some(group) = groups.last_mut() {
                match field.as_str() {
                    "allow" => group.rules.push((true, value.to_owned())),
                    "disallow" if !value.is_empty() => group.rules.push((false, value.to_owned())),
                    "crawl-delay" => group.crawl_delay = value.parse().unwrap(),
                    _ => {}
                }
            }
            naming = field == "user-agent";
        }
        let has = |name: &str| {
            groups
                .iter()
                .position(|group| group.agents.iter().any(|agent| agent == name))
        };
        let group = has("orbweaver").or_else(|| has("*"));
        let Group {
            rules, crawl_delay, ..
        } = group.map(|at| groups.swap_remove(at)).unwrap_or_default();
        Robots {
            rules,
            crawl_delay,
            sitemaps,
        }
    }

    pub(crate) fn allow_all() -> Robots {
        Robots {
            rules: Vec::new(),
            crawl_delay: 0,
            sitemaps: Vec::new(),
        }
    }

    pub(crate) fn allows(&self, path: &str) -> bool {
        let matching = self.rules.iter().filter(|(_, pattern)| glob(pattern, path));
        matching
            .max_by_key(|(allow, pattern)| (pattern.len(), *allow))
            .is_none_or(|(allow, _)| *allow)
    }
}

/// `*` and a final `$`, by splitting.
fn glob(pattern: &str, path: &str) -> bool {
    let (pattern, anchored) = pattern
        .strip_suffix('$')
        .map_or((pattern, false), |cut| (cut, true));
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap();
    let Some(mut rest) = path.strip_prefix(first) else {
        return false;
    };
    let mut last = first;
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
        last = part;
    }
    !anchored || rest.is_empty() || (pattern.contains('*') && path.ends_with(last))
}
