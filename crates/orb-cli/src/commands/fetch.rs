//! `orb fetch URL`: one URL through the gate.
//!
//! In: a URL, settings. Out: outcome, reason, address, timings. May touch: the network through the gate.

use std::time::Duration;

use clap::Args;
use orb_api::{Outcome as FetchOutcome, Reason};
use orb_fetch::{FetchError, NextStep, Request, ResolveError, Response, Timings};
use orb_url::CrawlUrl;
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::one_by_one::{Fetched, OneByOne};
use crate::settings_args::SettingsArgs;
use crate::terminal::{harmless, say, say_json};

/// Arguments of `orb fetch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb fetch https://example.com/ --contact you@example.org
  orb fetch http://127.0.0.1:8080/ --allow-net 127.0.0.0/8 --json

Redirects are told, not followed. robots.txt is not asked: a person wants this one URL (see `orb robots test`).
Times are in milliseconds. Exit code 0 whenever there is an answer or a reason why there is none.")]
pub(crate) struct FetchArgs {
    /// The URL.
    url: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// What is printed. Names are a contract with scripts.
#[derive(Debug, Serialize)]
struct Told {
    url: String,
    outcome: FetchOutcome,
    reason: Reason,
    /// The class of the error, one of a closed list.
    error: Option<&'static str>,
    /// The error in words.
    detail: Option<String>,
    status: Option<u16>,
    address: Option<String>,
    location: Option<String>,
    content_type: Option<String>,
    bytes: Option<u64>,
    truncated: Option<&'static str>,
    tls: Option<String>,
    timings: ToldTimings,
}

#[derive(Debug, Default, Serialize)]
struct ToldTimings {
    connect_ms: Option<f64>,
    tls_ms: Option<f64>,
    first_byte_ms: Option<f64>,
    body_ms: Option<f64>,
    total_ms: Option<f64>,
}

/// Fetches and tells.
pub(crate) fn run(args: &FetchArgs) -> Outcome {
    let url = CrawlUrl::parse(&args.url).map_err(Failure::usage)?;
    let told = match OneByOne::new(&args.settings)?.get(&Request::get(url.clone())) {
        Ok(fetched) => told(&url, &fetched),
        Err(error) => unresolved(&url, &error),
    };
    if args.json {
        say_json(&told)?;
    } else {
        say(&for_people(&told));
    }
    Ok(Exit::Fine)
}

fn told(url: &CrawlUrl, fetched: &Fetched) -> Told {
    let response = fetched.outcome.as_ref().ok();
    let error = fetched.outcome.as_ref().err();
    let (outcome, reason) = match &fetched.outcome {
        Ok(response) => of_response(url, response),
        Err(error) => of_error(error),
    };
    let field = |name: &str| {
        response
            .and_then(|response| response.header(name))
            .map(str::to_owned)
    };
    Told {
        url: url.to_string(),
        outcome,
        reason,
        error: error.map(FetchError::class),
        detail: error.map(|error| with_cause(error)),
        status: response.map(|response| response.status),
        address: Some(fetched.remote.to_string()),
        location: field("location"),
        content_type: field("content-type"),
        bytes: response.map(|response| response.payload().len() as u64),
        truncated: response
            .and_then(|response| response.truncated)
            .map(|cut| cut.as_str()),
        tls: fetched
            .tls
            .as_ref()
            .map(|tls| format!("{} {}", tls.protocol, tls.cipher)),
        timings: timings(&fetched.timings),
    }
}

fn unresolved(url: &CrawlUrl, error: &ResolveError) -> Told {
    let (outcome, reason) = match error {
        ResolveError::AllGuarded { .. } => (FetchOutcome::Refused, Reason::GuardedAddress),
        _ => (FetchOutcome::Retry, Reason::Dns),
    };
    Told {
        url: url.to_string(),
        outcome,
        reason,
        error: Some(error.class()),
        detail: Some(with_cause(error)),
        status: None,
        address: None,
        location: None,
        content_type: None,
        bytes: None,
        truncated: None,
        tls: None,
        timings: ToldTimings::default(),
    }
}

/// The outcome a crawl would write down, types aside.
fn of_response(url: &CrawlUrl, response: &Response) -> (FetchOutcome, Reason) {
    match response.status {
        200..=299 => (FetchOutcome::Captured, Reason::None),
        304 => (FetchOutcome::NotModified, Reason::None),
        301..=303 | 307 | 308 => match response.header("location").map(|to| url.join(to)) {
            Some(Ok(_)) => (FetchOutcome::Redirect, Reason::None),
            _ => (FetchOutcome::Gone, Reason::OddStatus),
        },
        402 => (FetchOutcome::Refused, Reason::PaymentRequired),
        429 => (FetchOutcome::Retry, Reason::TooManyRequests),
        400..=499 => (FetchOutcome::Gone, Reason::None),
        500..=599 => (FetchOutcome::Retry, Reason::ServerError),
        _ => (FetchOutcome::Gone, Reason::OddStatus),
    }
}

fn of_error(error: &FetchError) -> (FetchOutcome, Reason) {
    let outcome = match error.next_step() {
        NextStep::RetryLater | NextStep::TryHttp | NextStep::RetryUncounted => FetchOutcome::Retry,
        NextStep::FailUrl => FetchOutcome::Failed,
        NextStep::RefuseUrl => FetchOutcome::Refused,
    };
    let class = error.class();
    let reason = match class {
        "guarded_address" | "bad_port" => Reason::GuardedAddress,
        "connect_timeout" | "tls_timeout" | "first_byte_timeout" | "total_timeout" | "too_slow" => {
            Reason::Timeout
        }
        "empty_response" | "head_incomplete" | "send_failed" | "stale_connection" => {
            Reason::Disconnected
        }
        class if class.starts_with("connect_") => Reason::Connect,
        class if class.starts_with("tls_") => Reason::Tls,
        "stale_permit" | "foreign_permit" | "local_resources" => Reason::None,
        _ => Reason::BadResponse,
    };
    (outcome, reason)
}

fn with_cause(error: &dyn std::error::Error) -> String {
    error
        .source()
        .map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

fn timings(timings: &Timings) -> ToldTimings {
    let ms = |span: Option<Duration>| span.map(|span| span.as_micros() as f64 / 1_000.0);
    ToldTimings {
        connect_ms: ms(timings.connect),
        tls_ms: ms(timings.tls),
        first_byte_ms: ms(timings.first_byte),
        body_ms: ms(timings.body),
        total_ms: ms(timings.total),
    }
}

fn for_people(told: &Told) -> String {
    let mut out = format!("{}", told.outcome);
    if told.reason != Reason::None {
        out.push_str(&format!(" ({})", told.reason));
    }
    let mut row = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            out.push_str(&format!("\n  {name:<10}  {}", harmless(&value)));
        }
    };
    row("status", told.status.map(|status| status.to_string()));
    row("error", told.detail.clone());
    row("address", told.address.clone());
    row("location", told.location.clone());
    row("type", told.content_type.clone());
    row("bytes", told.bytes.map(|bytes| bytes.to_string()));
    row("cut by", told.truncated.map(str::to_owned));
    row("tls", told.tls.clone());
    let times = &told.timings;
    let parts = [
        ("connect", times.connect_ms),
        ("tls", times.tls_ms),
        ("first byte", times.first_byte_ms),
        ("body", times.body_ms),
        ("total", times.total_ms),
    ];
    for (name, ms) in parts {
        row(name, ms.map(|ms| format!("{ms:.1} ms")));
    }
    out
}
