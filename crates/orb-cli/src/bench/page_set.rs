//! What `orb bench page` reads: pages of a folder, and pages of the synthetic web.
//!
//! In: a folder, or a size and a seed. Out: pages in memory, with their addresses, text and links.
//! May touch: files of that folder. Must not touch: the network; the web is asked in memory.
//! Invariant: every page is in memory before the first reading begins; equal arguments give equal pages.

use std::fs;
use std::path::{Path, PathBuf};

use orb_page::{ScanOptions, decode_text, scan};
use orb_simweb::{Fate, FaultMix, SimRequest, SimWeb, SimWebConfig, SizeProfile};
use orb_url::{BaseUrl, CrawlUrl, Scheme};
use orb_warc::dechunk;
use url::Url;

use crate::exit::Failure;
use crate::limits::BENCH_PAGE_BYTES_MAX;

/// One page as every reading wants it.
#[derive(Debug)]
pub(crate) struct BenchPage {
    pub(crate) url: CrawlUrl,
    pub(crate) address: Url,
    pub(crate) base: BaseUrl,
    /// As it came.
    pub(crate) body: Vec<u8>,
    /// Decoded.
    pub(crate) html: String,
    pub(crate) hrefs: Vec<String>,
}

/// Pages that are read together.
#[derive(Debug)]
pub(crate) struct PageSet {
    pub(crate) name: &'static str,
    pub(crate) about: String,
    pub(crate) pages: Vec<BenchPage>,
}

impl PageSet {
    /// Decoded bytes of all pages.
    pub(crate) fn bytes(&self) -> usize {
        self.pages.iter().map(|page| page.html.len()).sum()
    }

    /// Links of all pages.
    pub(crate) fn links(&self) -> usize {
        self.pages.iter().map(|page| page.hrefs.len()).sum()
    }

    /// The `.html` files below a folder, evenly chosen where there are more than `pages_max`.
    pub(crate) fn of_folder(folder: &Path, pages_max: usize) -> Result<PageSet, Failure> {
        let mut paths = Vec::new();
        html_files(folder, &mut paths).map_err(|error| {
            Failure::usage(
                anyhow::Error::new(error).context(format!("read pages in {}", folder.display())),
            )
        })?;
        let step = paths.len().div_ceil(pages_max.max(1)).max(1);
        let mut pages = Vec::new();
        for (number, path) in paths.iter().step_by(step).enumerate() {
            let body = fs::read(path).map_err(|error| {
                Failure::usage(
                    anyhow::Error::new(error).context(format!("read {}", path.display())),
                )
            })?;
            // The folder's own names would tell where the bench ran; links are relative all the same.
            let url = format!("https://pages.example/a/b/c/{number}.html");
            pages.extend(page(&url, body)?);
        }
        if pages.is_empty() {
            return Err(Failure::usage_text(format!(
                "{} holds no .html files: name a folder of pages",
                folder.display()
            )));
        }
        Ok(PageSet {
            name: "folder",
            about: format!("{} of {} files", pages.len(), paths.len()),
            pages,
        })
    }

    /// Pages of the synthetic web, in its order.
    pub(crate) fn of_web(
        name: &'static str,
        size: SizeProfile,
        pages_max: usize,
        seed: u64,
    ) -> Result<PageSet, Failure> {
        let web = SimWeb::new(SimWebConfig {
            seed,
            sites: u32::try_from(pages_max.div_ceil(10)).unwrap_or(u32::MAX),
            pages_per_site: 10,
            size,
            faults: FaultMix::none(),
            ..SimWebConfig::default()
        });
        let truth = web.truth();
        let captured = truth.iter().filter(|(_, fate)| *fate == Fate::Captured);
        let mut pages = Vec::new();
        for (url, _) in captured.take(pages_max) {
            pages.extend(page(url, body_of(&web, url)?)?);
        }
        Ok(PageSet {
            name,
            about: format!("{} pages of the synthetic web, seed {seed}", pages.len()),
            pages,
        })
    }
}

/// A page; none of what is larger than a crawl would read.
fn page(url: &str, body: Vec<u8>) -> Result<Option<BenchPage>, Failure> {
    if body.len() > BENCH_PAGE_BYTES_MAX {
        return Ok(None);
    }
    let url = CrawlUrl::parse(url).map_err(Failure::usage)?;
    let html = decode_text(&body, None).text.into_owned();
    let found = scan(&html, &ScanOptions::default());
    let own = BaseUrl::new(&url);
    let base = found
        .base
        .and_then(|href| own.rebased(&href))
        .unwrap_or(own);
    Ok(Some(BenchPage {
        address: Url::parse(url.as_str()).map_err(Failure::bug)?,
        base,
        url,
        hrefs: found.links.into_iter().map(|link| link.href).collect(),
        html,
        body,
    }))
}

fn body_of(web: &SimWeb, url: &str) -> Result<Vec<u8>, Failure> {
    let url = CrawlUrl::parse(url).map_err(Failure::usage)?;
    let target = url.path_and_query();
    let secure = url.scheme() == Scheme::Https;
    let mut request = SimRequest::get(url.host(), target, secure);
    request.accept_gzip = false;
    let response = web.respond(&request);
    let body = response.body.concat();
    let head = String::from_utf8_lossy(&response.head).to_ascii_lowercase();
    if head.contains("transfer-encoding: chunked") {
        return Ok(dechunk(&body).payload);
    }
    Ok(body)
}

fn html_files(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let entries: Result<Vec<_>, _> = fs::read_dir(folder)?.collect();
    let mut entries = entries?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?; // links are not followed: packages link to each other in circles
        let path = entry.path();
        if kind.is_dir() {
            html_files(&path, found)?;
        } else if kind.is_file()
            && path
                .extension()
                .is_some_and(|end| end == "html" || end == "htm")
        {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_a_folder_are_found_below_it_in_one_order() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("d")).unwrap();
        for name in ["b.html", "d/a.html", "c.txt"] {
            fs::write(folder.path().join(name), format!("<a href={name}>x</a>")).unwrap();
        }
        let set = PageSet::of_folder(folder.path(), 10).unwrap();
        let hrefs: Vec<&str> = set
            .pages
            .iter()
            .map(|page| page.hrefs[0].as_str())
            .collect();
        assert_eq!(hrefs, ["b.html", "d/a.html"]);
        assert_eq!(PageSet::of_folder(folder.path(), 1).unwrap().pages.len(), 1);
        let empty = tempfile::tempdir().unwrap();
        assert!(PageSet::of_folder(empty.path(), 10).is_err());
    }

    #[test]
    fn the_webs_pages_are_whole_and_the_same_each_time() {
        let made = || PageSet::of_web("small", SizeProfile::Small, 20, 7).unwrap();
        let set = made();
        assert_eq!(set.pages.len(), 20);
        for (one, other) in set.pages.iter().zip(made().pages) {
            assert!(one.html.trim_end().ends_with("</html>") && !one.hrefs.is_empty());
            assert_eq!(one.body, other.body);
        }
    }
}
