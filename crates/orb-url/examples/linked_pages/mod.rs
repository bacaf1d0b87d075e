//! Pages and the links on them, from files.
//!
//! In: files or folders of pages, or a file of links. Out: [`Page`]s. May touch: those files.
//! Must not touch: the crate's own reading of pages; `href` attributes are found by their name alone.
//! Invariant: pages come in the order of their paths.

use std::path::{Path, PathBuf};

use orb_url::CrawlUrl;

/// The links of one page.
pub(crate) struct Page {
    pub(crate) url: CrawlUrl,
    pub(crate) hrefs: Vec<String>,
}

/// Reads what an argument names: `--links=FILE` with lines of `base<TAB>link`, or pages.
pub(crate) fn read_argument(argument: &str, pages: &mut Vec<Page>) -> std::io::Result<()> {
    match argument.strip_prefix("--links=") {
        Some(file) => collect_lines(file, pages),
        None => collect(Path::new(argument), Path::new(argument), pages),
    }
}

/// The `href` values of a page's text; only what this measurement needs, no reader of HTML.
fn hrefs(html: &str) -> Vec<String> {
    html.split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(href, _)| href.replace("&amp;", "&"))
        .collect()
}

fn collect(root: &Path, path: &Path, pages: &mut Vec<Page>) -> std::io::Result<()> {
    if path.is_dir() {
        let entries: Result<Vec<PathBuf>, _> = std::fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect();
        let mut entries = entries?;
        entries.sort();
        for entry in entries {
            if entry.is_dir() || entry.extension().is_some_and(|ending| ending == "html") {
                collect(root, &entry, pages)?;
            }
        }
        return Ok(());
    }
    let place = path.strip_prefix(root).unwrap_or(path);
    let address = format!("https://docs.example.org/{}", place.display());
    if let Ok(url) = CrawlUrl::parse(&address) {
        let hrefs = hrefs(&String::from_utf8_lossy(&std::fs::read(path)?));
        pages.push(Page { url, hrefs });
    }
    Ok(())
}

fn collect_lines(path: &str, pages: &mut Vec<Page>) -> std::io::Result<()> {
    for line in std::fs::read_to_string(path)?.lines() {
        let Some((base, href)) = line.split_once('\t') else {
            continue;
        };
        let Ok(url) = CrawlUrl::parse(base) else {
            continue;
        };
        match pages.last_mut().filter(|page| page.url == url) {
            Some(page) => page.hrefs.push(href.to_owned()),
            None => pages.push(Page {
                url,
                hrefs: vec![href.to_owned()],
            }),
        }
    }
    Ok(())
}
