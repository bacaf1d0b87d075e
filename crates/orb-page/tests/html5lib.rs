//! The tokenizer against the vectors of html5lib.
//!
//! In: the folder named by `ORB_CORPORA`, and the list of known failures beside this file.
//! Out: a failure for every case that is not as the list says.
//! May touch: that folder. Must not touch: the network.
//! Invariant: the list may only shrink: a listed case that passes fails the test too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use orb_page::tokens::{ContentModel, Token, Tokenizer};
use serde_json::{Value, json};

const KNOWN_FAILURES: &str = include_str!("html5lib_known_failures.txt");

/// Its cases are for parsers that coerce text to XML, which we do not.
const OTHER_MODE: &str = "xmlViolation.test";

#[allow(
    clippy::disallowed_methods,
    reason = "the corpora live outside the project; tests find them by variable"
)]
fn corpora() -> Option<PathBuf> {
    std::env::var("ORB_CORPORA").ok().map(PathBuf::from)
}

#[test]
fn vectors_agree() {
    let Some(corpora) = corpora() else {
        println!("skipped: ORB_CORPORA is not set");
        return;
    };
    let known: BTreeSet<&str> = KNOWN_FAILURES
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|id| !id.is_empty())
        .collect();
    let mut ran = 0;
    let mut failed: BTreeMap<String, String> = BTreeMap::new();
    for file in vector_files(&corpora.join("html5lib-tokenizer")) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let vectors: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        for (index, case) in vectors["tests"].as_array().unwrap().iter().enumerate() {
            for state in states(case) {
                ran += 1;
                if let Err(difference) = run(case, &state) {
                    failed.insert(format!("{name}:{index}:{state}"), difference);
                }
            }
        }
    }
    let news: Vec<_> = failed
        .iter()
        .filter(|(id, _)| !known.contains(id.as_str()))
        .collect();
    let fixed: Vec<_> = known
        .iter()
        .filter(|id| !failed.contains_key(**id))
        .collect();
    println!(
        "corpora: {ran} cases, {} failed, {} known",
        failed.len(),
        known.len()
    );
    assert!(ran > 2_500, "only {ran} cases found");
    assert!(
        news.is_empty(),
        "{} not listed as known: {news:#?}",
        news.len()
    );
    assert!(
        fixed.is_empty(),
        "pass now, strike them off the list: {fixed:#?}"
    );
}

fn vector_files(folder: &Path) -> BTreeSet<PathBuf> {
    std::fs::read_dir(folder)
        .expect("ORB_CORPORA holds html5lib-tokenizer")
        .map(|entry| entry.expect("the folder is readable").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "test")
        })
        .filter(|path| !path.ends_with(OTHER_MODE))
        .collect()
}

fn states(case: &Value) -> Vec<String> {
    match case["initialStates"].as_array() {
        Some(states) => states
            .iter()
            .map(|state| state.as_str().expect("a state is a string").to_owned())
            .collect(),
        None => vec!["Data state".to_owned()],
    }
}

fn model(state: &str) -> ContentModel {
    match state {
        "Data state" => ContentModel::Data,
        "RCDATA state" => ContentModel::Rcdata,
        "RAWTEXT state" => ContentModel::Rawtext,
        "Script data state" => ContentModel::ScriptData,
        "PLAINTEXT state" => ContentModel::Plaintext,
        "CDATA section state" => ContentModel::CdataSection,
        other => panic!("unknown state {other}"),
    }
}

fn run(case: &Value, state: &str) -> Result<(), String> {
    let mut input = case["input"]
        .as_str()
        .expect("every case has an input")
        .to_owned();
    let mut expected = case["output"].clone();
    if case["doubleEscaped"] == json!(true) {
        input = unescape(&input)?;
        unescape_all(&mut expected)?;
    }
    let last_start = case["lastStartTag"].as_str().unwrap_or_default();
    let tokenizer = Tokenizer::starting_in(&input, model(state), last_start);
    let found = Value::Array(as_output(tokenizer));
    if found == expected {
        Ok(())
    } else {
        Err(format!(
            "input {input:?}\n expected {expected}\n found    {found}"
        ))
    }
}

/// The tokens as the vectors write them: neighbouring characters joined, doctypes by correctness.
fn as_output(tokenizer: Tokenizer<'_>) -> Vec<Value> {
    let mut output: Vec<Value> = Vec::new();
    let mut characters = String::new();
    for token in tokenizer {
        if let Token::Text(run) = &token {
            characters.push_str(&run.decode());
            continue;
        }
        flush(&mut characters, &mut output);
        output.push(match token {
            Token::Text(_) => unreachable!("joined above"),
            Token::StartTag(tag) => {
                let mut attributes = serde_json::Map::new();
                for attribute in tag.attributes() {
                    let value = json!(attribute.value());
                    attributes
                        .entry(attribute.name().into_owned())
                        .or_insert(value);
                }
                if tag.is_self_closing() {
                    json!(["StartTag", tag.name(), attributes, true])
                } else {
                    json!(["StartTag", tag.name(), attributes])
                }
            }
            Token::EndTag(tag) => json!(["EndTag", tag.name()]),
            Token::Comment(comment) => json!(["Comment", comment.decode()]),
            Token::Doctype(d) => {
                json!(["DOCTYPE", d.name, d.public_id, d.system_id, !d.force_quirks])
            }
        });
    }
    flush(&mut characters, &mut output);
    output
}

fn flush(characters: &mut String, output: &mut Vec<Value>) {
    if !characters.is_empty() {
        output.push(json!(["Character", characters.as_str()]));
        characters.clear();
    }
}

/// `\uXXXX` written out twice over. A lone surrogate is no text in Rust and cannot be tokenized.
fn unescape(text: &str) -> Result<String, String> {
    let mut units: Vec<u16> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        units.extend(rest[..at].encode_utf16());
        let digits = &rest[at + 2..at + 6];
        units.push(u16::from_str_radix(digits, 16).map_err(|error| error.to_string())?);
        rest = &rest[at + 6..];
    }
    units.extend(rest.encode_utf16());
    String::from_utf16(&units).map_err(|error| error.to_string())
}

fn unescape_all(value: &mut Value) -> Result<(), String> {
    match value {
        Value::String(text) => *text = unescape(text)?,
        Value::Array(items) => items.iter_mut().try_for_each(unescape_all)?,
        Value::Object(map) => {
            for (name, mut item) in std::mem::take(map) {
                unescape_all(&mut item)?;
                map.insert(unescape(&name)?, item);
            }
        }
        _ => {}
    }
    Ok(())
}
