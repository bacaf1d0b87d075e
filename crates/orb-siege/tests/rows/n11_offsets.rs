//! N11: an end, a reset and silence at each offset of an answer.
use orb_fetch::{Exchange, NextStep, decode_content};
use orb_simweb::{Act, HostileWeb};

use super::*;

const ROW: HostileRow = HostileRow::N11;

/// The whole answer that is cut.
fn answer(framing: &str) -> Vec<u8> {
    let script =
        HostileWeb::new(orb_siege::SEED).script(ROW, &format!("/{framing}/close/1000000"), "");
    let Some(Act::Send(bytes)) = script.into_iter().next() else {
        panic!("{framing} begins with its answer");
    };
    bytes.to_vec()
}

/// What must come of an end after `at` bytes of `answer`.
fn expected(framing: &str, end: &str, at: usize, answer: &[u8]) -> &'static str {
    let head = answer
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .unwrap()
        + 4;
    let by_close = framing.ends_with("until-close");
    // A chunk's line stands before its bytes; the other framings begin with the body itself.
    let body = head
        + if framing.ends_with("chunked") {
            "64;n=v\r\n".len()
        } else {
            0
        };
    match end {
        _ if at == answer.len() && !by_close => "whole",
        "silence" if at == 0 => "first_byte_timeout",
        "silence" if at <= body => "too_slow",
        "silence" => "time",
        _ if at == 0 => "empty_response",
        _ if at < head => "head_incomplete",
        // An orderly close is this framing's only end: where the sender stopped, nobody can tell.
        "close" if by_close => "whole",
        _ => "disconnect",
    }
}

/// What is kept is the front of the page; of a page in a coding a cut is seen when it is decoded, whatever framed it.
fn check_kept(exchange: &Exchange, at: usize, answer: &[u8], whole_page: &[u8]) {
    let Ok(response) = &exchange.outcome else {
        let error = exchange.outcome.as_ref().unwrap_err();
        assert_eq!(error.next_step(), NextStep::RetryLater);
        return;
    };
    assert!(answer[..at].starts_with(&response.wire_parts().collect::<Vec<_>>().concat()));
    let coding = response.content_encoding();
    let decoded = decode_content(coding.as_deref(), response.payload(), &Default::default());
    if coding.is_some() && at < answer.len() {
        let is_empty = response.payload().is_empty();
        assert!(
            decoded.truncated || is_empty || response.truncated.is_some(),
            "at {at}"
        );
    }
    if !decoded.encoded {
        assert!(whole_page.starts_with(&decoded.bytes), "at {at}");
    }
}

#[test]
fn n11_an_end_at_any_offset_is_classified_never_stored_as_whole_and_never_hangs() {
    let framings = [
        "length",
        "chunked",
        "until-close",
        "gzip",
        "gzip-until-close",
        "gzip-chunked",
    ];
    besiege(async |siege: Siege| {
        let fetcher = siege.fetcher();
        let page = siege
            .send(&fetcher, ROW, "length/close/1000000")
            .await
            .outcome
            .unwrap();
        let mut exchanges = 0;
        for framing in framings {
            let answer = answer(framing);
            for end in ["close", "reset", "silence"] {
                for at in 0..=answer.len() {
                    let case = format!("{framing}/{end}/{at}");
                    let exchange = siege.get(ROW, &case).await;
                    assert_eq!(
                        class(&exchange),
                        expected(framing, end, at, &answer),
                        "{case}"
                    );
                    let took = exchange.timings.total.unwrap();
                    assert!(took.as_secs() <= 31, "{case} took {took:?}");
                    check_kept(&exchange, at, &answer, page.payload());
                    exchanges += 1;
                }
            }
        }
        assert!(exchanges > 5_000, "{exchanges}");
    });
}
