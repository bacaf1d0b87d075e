//! A crawl made by hand: facts as a crawl would tell them, and what is said of them.
//!
//! In: facts. Out: explanations. May touch: a folder in memory.
//! Invariant: nothing here knows what an explanation should say.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking"
)]
#![allow(dead_code, reason = "each test file needs a part of it")]

use std::collections::BTreeMap;

use orb_api::{
    CrawlDir, FateFacts, FoundFacts, Outcome, Phase, QueueFacts, Reason, ScopeFacts, SieveFacts,
    SiteFacts, UrlFacts, UrlState,
};
use orb_env::{MemoryDisk, Wall};
use orb_explain::{
    Crawl, Explanation, FactError, FactSource, Times, VerdictKind, explain, understand_url,
};
use orb_gate::PolitenessConfig;
use orb_url::{CrawlUrl, Site};

pub(crate) const NOW: Wall = Wall(1_795_000_000_000_000);

/// A crawl made by hand.
#[derive(Default)]
pub(crate) struct Hand {
    pub(crate) urls: BTreeMap<String, UrlFacts>,
    pub(crate) sites: BTreeMap<String, SiteFacts>,
}

impl FactSource for Hand {
    fn url_facts(&mut self, url: &CrawlUrl) -> Result<UrlFacts, FactError> {
        Ok(self.urls.get(url.as_str()).cloned().unwrap_or_default())
    }

    fn site_facts(&mut self, site: &Site) -> Result<SiteFacts, FactError> {
        Ok(self.sites.get(site.as_str()).cloned().unwrap_or_default())
    }
}

impl Hand {
    pub(crate) fn with(mut self, url: &str, facts: UrlFacts) -> Hand {
        let url = url.to_owned();
        self.urls.insert(url.clone(), UrlFacts { url, ..facts });
        self
    }
}

pub(crate) fn dir() -> CrawlDir {
    CrawlDir::new("/crawl")
}

pub(crate) fn politeness() -> PolitenessConfig {
    PolitenessConfig::default()
}

pub(crate) fn why_on(
    disk: &MemoryDisk,
    phase: Phase,
    hand: &mut Hand,
    text: &str,
) -> (Explanation, String) {
    let (dir, politeness) = (dir(), politeness());
    let crawl = Crawl {
        disk,
        dir: &dir,
        phase,
        politeness: Some(&politeness),
        attempts_max: Some(3),
    };
    let local = |at: Wall| format!("T{}", at.0.div_euclid(1_000_000));
    let times = Times {
        now: NOW,
        local: &local,
    };
    let given = understand_url(text).unwrap();
    let explained = explain(&crawl, hand, &given, &times, &mut |_| {}).unwrap();
    let page = explained.page(&times);
    serde_json::to_string(&explained).unwrap();
    (explained, page)
}

pub(crate) fn why(phase: Phase, facts: UrlFacts) -> (Explanation, String) {
    let url = "https://a.example/x";
    why_on(
        &MemoryDisk::new(),
        phase,
        &mut Hand::default().with(url, facts),
        url,
    )
}

pub(crate) fn fate(outcome: Outcome, reason: Reason, state: UrlState) -> FateFacts {
    FateFacts {
        state,
        outcome,
        reason,
        detail: String::new(),
        status: 0,
        attempts: 1,
        at_us: NOW.0 - 180_000_000,
        archive: None,
        found: seed(),
    }
}

pub(crate) fn seed() -> FoundFacts {
    FoundFacts {
        how: "seed".into(),
        ..FoundFacts::default()
    }
}

pub(crate) fn link(via: &str, depth: u16) -> FoundFacts {
    FoundFacts {
        how: "link".into(),
        via: Some(via.into()),
        depth,
        ..FoundFacts::default()
    }
}

pub(crate) fn fated(fate: FateFacts) -> UrlFacts {
    UrlFacts {
        sieve: SieveFacts::Seen,
        site: known(SiteFacts::default()),
        fate: Some(fate),
        ..UrlFacts::default()
    }
}

pub(crate) fn queued(queue: QueueFacts, site: SiteFacts) -> UrlFacts {
    UrlFacts {
        sieve: SieveFacts::Seen,
        site: known(site),
        queue: Some(QueueFacts {
            found: seed(),
            place: if queue.place.is_empty() {
                "queue".into()
            } else {
                queue.place
            },
            ..queue
        }),
        ..UrlFacts::default()
    }
}

pub(crate) fn known(site: SiteFacts) -> SiteFacts {
    SiteFacts {
        site: "a.example".into(),
        known: true,
        delay_ms: if site.delay_ms == 0 {
            1_000
        } else {
            site.delay_ms
        },
        ..site
    }
}

pub(crate) fn stopped_by(cause: &str, scope: &str, rule: Option<&str>) -> UrlFacts {
    UrlFacts {
        site: known(SiteFacts::default()),
        scope: ScopeFacts {
            scope: scope.into(),
            stopped_by: (!cause.is_empty()).then(|| cause.to_owned()),
            rule: rule.map(str::to_owned),
        },
        ..UrlFacts::default()
    }
}

pub(crate) fn check(phase: Phase, facts: UrlFacts, kind: VerdictKind, words: &[&str]) {
    let (explained, page) = why(phase, facts);
    assert_eq!(explained.verdict.kind, kind, "{page}");
    for word in words {
        let sentence = &explained.verdict.sentence;
        assert!(sentence.contains(word), "{word}: {sentence}");
    }
    for line in page.lines() {
        assert!(
            line.chars().count() <= 100,
            "{} columns: {line}",
            line.len()
        );
    }
}
