//! Which pages of an archive are copies of others, say that they are none, or name another page as themselves.
//!
//! In: WARC files, in order. Out: a line of JSON for each page of which something is to be told, clusters at the end.
//! May touch: the disk it is given (reading). Must not touch: the archive's bytes, the network.
//! Invariant: the same files in the same order give the same lines; memory is bounded by [`CopiesOptions`], but for
//! clusters, which need every page that claims something.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use orb_archive::{ArchiveFile, record_at, records_from};
use orb_dedup::{
    Claims, ContentMarks, DuplicateBounds, Duplicates, MissingPage, Notice, Seen, TextMarks,
    clusters, notice,
};
use orb_env::Disk;
use orb_fetch::{DecodeLimits, decode_content};
use orb_page::{LinkKind, Page, ScanOptions, charset_of, decode_text, scan};
use orb_read::{MediaType, may_sniff, sniff};
use orb_url::registered_name;
use orb_warc::{Record, RecordType, format_date};
use serde::Serialize;
use url::Url;

use crate::ExportError;
use crate::limits::{HEAD_BYTES_MAX, PAGE_BYTES_MAX};

/// Memory of the index for each page: what [`DuplicateBounds`] says.
const INDEX_BYTES_PER_PAGE: usize = 128;

/// What is looked for, and how much is remembered.
#[derive(Clone, Copy, Debug, Default)]
pub struct CopiesOptions {
    /// The index of pages, and of how many sites more is known. Their addresses are kept beside it.
    pub bounds: DuplicateBounds,
    /// Join pages by canonical and language links; takes some 300 bytes for each page that has one.
    pub clusters: bool,
}

/// What was found. Names are a contract with scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CopiesTally {
    /// HTML pages of status 200 or 203 that were read.
    pub pages: u64,
    /// Of these, such as say what an earlier one of their site says.
    pub copies_on_site: u64,
    /// Of the others, such as say what one of another site says.
    pub copies_elsewhere: u64,
    /// Pages that say that there is nothing at their address, by what their site answers with 404 or 410, or in words.
    pub missing: u64,
    /// Pages of domains that are for sale or not yet used.
    pub parked: u64,
    /// Pages that ask to log in.
    pub login: u64,
    /// Clusters of more than one page or language.
    pub clusters: u64,
    /// HTML pages that could not be decoded or read.
    pub unreadable: u64,
    /// Places of the archive that are no record and were stepped over.
    pub damages: u64,
}

/// A page of which something is to be told.
#[derive(Serialize)]
struct PageLine<'a> {
    record: Place<'a>,
    url: &'a str,
    captured: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_of: Option<CopyOf<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    says: Option<&'static str>,
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    offset: u64,
}

/// The earlier page that says the same.
#[derive(Serialize)]
struct CopyOf<'a> {
    url: Option<&'a str>,
    same_site: bool,
    /// Bits of 64 in which the two differ.
    distance: u32,
}

#[derive(Serialize)]
struct ClusterLine<'a> {
    cluster: &'a str,
    members: Vec<&'a str>,
    languages: BTreeMap<&'a str, &'a str>,
}

/// Looks for copies in `files`, in their order.
///
/// - `progress` hears how many bytes of all files were read so far.
/// - `line` takes each line, without its end; what it returns as an error ends the search.
///
/// # Errors
/// When a file cannot be read, or as `line` says.
pub fn find_copies(
    disk: &dyn Disk,
    files: &[ArchiveFile],
    options: &CopiesOptions,
    progress: &mut dyn FnMut(u64),
    line: &mut dyn FnMut(&str) -> Result<(), ExportError>,
) -> Result<CopiesTally, ExportError> {
    let mut finder = Finder::new(options, key_of(disk, files)?);
    let mut before = 0;
    for file in files {
        let mut outcome = Ok(());
        let walked = records_from(
            disk,
            file,
            0,
            (PAGE_BYTES_MAX + HEAD_BYTES_MAX) as u64,
            &mut |bytes| progress(before + bytes),
            &mut |record| {
                outcome = match finder.record(&file.name, record) {
                    Some(text) => line(&text),
                    None => Ok(()),
                };
                match outcome {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            },
        )?;
        outcome?;
        finder.tally.damages += walked.damages;
        before += file.bytes;
    }
    finder.tell_clusters(line)?;
    Ok(finder.tally)
}

/// A number that nobody knew when the pages were made, and that is the same the next time.
fn key_of(disk: &dyn Disk, files: &[ArchiveFile]) -> Result<u64, ExportError> {
    let Some(file) = files.first() else {
        return Ok(0);
    };
    let first = record_at(disk, file, 0)?;
    let id = first.and_then(|record| record.id()).map(|id| id.to_bytes());
    let half = id.and_then(|id| id.first_chunk().copied());
    Ok(half.map_or(0, u64::from_le_bytes))
}

/// What is known of a site beside its pages.
#[derive(Default)]
struct Answers {
    /// What it shows where nothing is.
    missing: Option<MissingPage>,
    /// Its first page, whose words are not those of a missing one.
    first: Option<TextMarks>,
}

struct Finder {
    key: u64,
    duplicates: Duplicates,
    urls_max: usize,
    /// Addresses of the newest pages, by their ascending numbers.
    urls: VecDeque<(u64, String)>,
    sites_max: usize,
    sites: BTreeMap<u64, Answers>,
    order: VecDeque<u64>,
    wants_clusters: bool,
    claims: Vec<Claims>,
    names: BTreeMap<String, u64>,
    tally: CopiesTally,
    number: u64,
}

/// An HTML response.
struct HtmlPage {
    page: Page,
    content: Box<ContentMarks>,
    text: Box<TextMarks>,
    says: Option<Notice>,
}

impl Finder {
    fn new(options: &CopiesOptions, key: u64) -> Finder {
        Finder {
            key,
            duplicates: Duplicates::new(options.bounds, key),
            urls_max: (options.bounds.index_bytes_max / INDEX_BYTES_PER_PAGE).max(1),
            urls: VecDeque::new(),
            sites_max: options.bounds.sites_max.max(1),
            sites: BTreeMap::new(),
            order: VecDeque::new(),
            wants_clusters: options.clusters,
            claims: Vec::new(),
            names: BTreeMap::new(),
            tally: CopiesTally::default(),
            number: 0,
        }
    }

    /// Takes a record; returns the line of its page, if there is something to tell.
    fn record(&mut self, file: &str, record: &Record) -> Option<String> {
        if record.record_type() != RecordType::Response {
            return None;
        }
        let status = record.http_head()?.status?;
        let url = record.target_uri()?;
        let is_page = matches!(status, 200 | 203);
        let path = url.splitn(4, '/').nth(3).unwrap_or_default();
        if path == "robots.txt" || !(is_page || matches!(status, 404 | 410)) {
            return None;
        }
        let parsed = Url::parse(url).ok()?;
        let read = catch_unwind(AssertUnwindSafe(|| html_page(record, url)));
        let html = match read {
            Ok(Ok(html)) => html?,
            Ok(Err(Unreadable)) | Err(_) => {
                self.tally.unreadable += u64::from(is_page);
                return None;
            }
        };
        let site = self.site_number(parsed.host_str()?);
        let answers = self.answers(site);
        if !is_page {
            let missing = || MissingPage::of_probe(*html.text);
            answers.missing = answers.missing.take().or_else(missing);
            return None;
        }
        let is_missing = answers
            .missing
            .as_ref()
            .is_some_and(|missing| missing.is(&html.text, answers.first.as_ref()));
        if answers.first.is_none() && !is_missing {
            answers.first = Some(*html.text.clone());
        }
        let says = match is_missing {
            true => Some(Notice::Missing),
            false => html.says,
        };
        self.tally.pages += 1;
        self.number += 1;
        let seen = self.duplicates.note(self.number, site, &html.content);
        self.count(&seen, says);
        if self.wants_clusters {
            self.claim(url, &parsed, &html.page);
        }
        let line = self.line(file, record, url, &seen, says);
        if self.urls.len() == self.urls_max {
            self.urls.pop_front();
        }
        self.urls.push_back((self.number, url.to_owned()));
        line
    }

    fn site_number(&self, host: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.key, registered_name(host)).hash(&mut hasher);
        hasher.finish()
    }

    fn answers(&mut self, site: u64) -> &mut Answers {
        if !self.sites.contains_key(&site) {
            if self.sites.len() == self.sites_max
                && let Some(oldest) = self.order.pop_front()
            {
                self.sites.remove(&oldest);
            }
            self.order.push_back(site);
        }
        self.sites.entry(site).or_default()
    }

    fn count(&mut self, seen: &Seen, says: Option<Notice>) {
        let tally = &mut self.tally;
        match (seen.on_site, seen.elsewhere) {
            (Some(_), _) => tally.copies_on_site += 1,
            (None, Some(_)) => tally.copies_elsewhere += 1,
            (None, None) => {}
        }
        match says {
            Some(Notice::Missing) => tally.missing += 1,
            Some(Notice::Parked) => tally.parked += 1,
            Some(Notice::Login) => tally.login += 1,
            None => {}
        }
    }

    fn line(
        &self,
        file: &str,
        record: &Record,
        url: &str,
        seen: &Seen,
        says: Option<Notice>,
    ) -> Option<String> {
        let copy_of = seen.on_site.or(seen.elsewhere).map(|alike| CopyOf {
            url: self.url(alike.page),
            same_site: seen.on_site.is_some(),
            distance: alike.distance,
        });
        if copy_of.is_none() && says.is_none() {
            return None;
        }
        let line = PageLine {
            record: Place {
                file,
                offset: record.offset,
            },
            url,
            captured: record.date_us().map(format_date),
            copy_of,
            says: says.map(Notice::as_str),
        };
        Some(serde_json::to_string(&line).expect("a line has only plain keys"))
    }

    fn url(&self, number: u64) -> Option<&str> {
        let at = self.urls.binary_search_by_key(&number, |(page, _)| *page);
        at.ok().map(|at| self.urls[at].1.as_str())
    }

    // ---- clusters ----

    fn claim(&mut self, url: &str, parsed: &Url, page: &Page) {
        let base = page.base.as_deref();
        let base = base.and_then(|base| parsed.join(base).ok());
        let base = base.as_ref().unwrap_or(parsed);
        let mut claims = Claims::default();
        for link in &page.links {
            let is_wanted = matches!(link.kind, LinkKind::Canonical | LinkKind::Alternate);
            let Some(mut target) = is_wanted.then(|| base.join(&link.href).ok()).flatten() else {
                continue;
            };
            target.set_fragment(None);
            match (link.kind, &link.hreflang) {
                (LinkKind::Canonical, _) if claims.canonical.is_none() => {
                    claims.canonical = Some(self.name(target.as_str()));
                }
                (LinkKind::Alternate, Some(language)) => {
                    let named = (language.clone(), self.name(target.as_str()));
                    claims.alternates.push(named);
                }
                _ => {}
            }
        }
        if claims.canonical.is_some() || !claims.alternates.is_empty() {
            claims.page = self.name(url);
            self.claims.push(claims);
        }
    }

    fn name(&mut self, url: &str) -> u64 {
        let next = self.names.len() as u64;
        *self.names.entry(url.to_owned()).or_insert(next)
    }

    fn tell_clusters(
        &mut self,
        line: &mut dyn FnMut(&str) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        let mut names = vec![""; self.names.len()];
        for (url, number) in &self.names {
            names[*number as usize] = url;
        }
        for cluster in clusters(&self.claims) {
            if cluster.members.len() < 2 && cluster.languages.is_empty() {
                continue;
            }
            let languages = cluster.languages.iter();
            let told = ClusterLine {
                cluster: names[cluster.representative as usize],
                members: cluster
                    .members
                    .iter()
                    .map(|at| names[*at as usize])
                    .collect(),
                languages: languages
                    .map(|(language, page)| (language.as_str(), names[*page as usize]))
                    .collect(),
            };
            self.tally.clusters += 1;
            line(&serde_json::to_string(&told).expect("a line has only plain keys"))?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Unreadable;

/// The page of a response; none of what is not HTML.
fn html_page(record: &Record, url: &str) -> Result<Option<HtmlPage>, Unreadable> {
    let (Some(head), Some(payload)) = (record.http_head(), record.http_payload()) else {
        return Ok(None);
    };
    let declared = head.fields.get("Content-Type");
    let limits = DecodeLimits {
        bytes_max: PAGE_BYTES_MAX as u64,
        ..DecodeLimits::default()
    };
    let coding = head.joined("Content-Encoding");
    let decoded = decode_content(coding.as_deref(), &payload, &limits);
    if decoded.encoded {
        return Err(Unreadable);
    }
    let sniffed = may_sniff(head.fields.get("X-Content-Type-Options"));
    if sniff(declared, &decoded.bytes, sniffed) != MediaType::Html {
        return Ok(None);
    }
    let text = decode_text(&decoded.bytes, declared.and_then(charset_of)).text;
    let options = ScanOptions {
        text: true,
        ..ScanOptions::default()
    };
    let page = scan(&text, &options);
    let title = page.title.as_deref().unwrap_or_default();
    let texts = [title, &page.visible_text];
    Ok(Some(HtmlPage {
        content: Box::new(ContentMarks::of(&texts)),
        text: Box::new(TextMarks::of(&texts, url)),
        says: notice(title, &page.visible_text),
        page,
    }))
}
