//! The states between tags: from one `<` to the next.
//!
//! In: text, position, content model. Out: the next token.
//! May touch: the sibling modules for what is inside a tag. Must not touch: what elements mean.
//! Invariant: `position` only grows; at the end of the input the iterator stays at `None`.

use memchr::{memchr, memmem};

use super::cursor::{Cursor, Step};
use super::script::{end_tag, raw_end_tag};
use super::{Comment, ContentModel, EndTag, StartTag, TextRun, Token, doctype, is_space};
use crate::swar;

/// What the input ended inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// A tag, which then gives no token.
    Tag,
    /// A comment.
    Comment,
    /// A script, style, title or another element without markup.
    RawText,
}

/// Reads tokens from a whole text. Also ends after the last token for good.
///
/// The caller switches the content model after the start tags that ask for it; the tokenizer goes back
/// to [`ContentModel::Data`] by itself at the end tag.
#[derive(Clone, Debug)]
pub struct Tokenizer<'a> {
    input: &'a str,
    position: usize,
    model: ContentModel,
    /// The end tag that closes an element without markup: the last start tag's name.
    last_start: &'a str,
    cdata_allowed: bool,
    ended_inside: Option<Inside>,
    work_bytes: u64,
}

impl<'a> Tokenizer<'a> {
    /// Starts in the data state.
    pub fn new(input: &'a str) -> Self {
        Self::starting_in(input, ContentModel::Data, "")
    }

    /// Starts in another state, as for a fragment inside the element `last_start`.
    pub fn starting_in(input: &'a str, model: ContentModel, last_start: &'a str) -> Self {
        Self {
            input,
            position: 0,
            model,
            last_start,
            cdata_allowed: false,
            ended_inside: None,
            work_bytes: 0,
        }
    }

    /// Chooses how the bytes behind the start tag just returned are read.
    pub fn switch_to(&mut self, model: ContentModel) {
        self.model = model;
    }

    /// Whether `<![CDATA[` begins a section (in SVG and MathML) or a bogus comment (in HTML).
    pub fn allow_cdata(&mut self, allowed: bool) {
        self.cdata_allowed = allowed;
    }

    /// What the input ended inside of; known once the iterator has ended.
    pub fn ended_inside(&self) -> Option<Inside> {
        self.ended_inside
    }

    /// Bytes examined so far, each counted once per examination. At most a small multiple of the input.
    pub fn work_bytes(&self) -> u64 {
        self.work_bytes
    }

    /// Where the next token begins, when it begins in markup rather than in a script or the like.
    pub(crate) fn position_in_markup(&self) -> Option<usize> {
        (self.model == ContentModel::Data).then_some(self.position)
    }

    /// Where the next token begins.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// What decides how the next bytes are read: [`Tokenizer::starting_in`] and [`Tokenizer::allow_cdata`] take it.
    pub(crate) fn state(&self) -> (ContentModel, &'a str, bool) {
        (self.model, self.last_start, self.cdata_allowed)
    }

    /// Leaves out everything before `position`, which the caller has read as markup by the same rules.
    pub(crate) fn resume_at(&mut self, position: usize) {
        self.position = position;
    }

    fn bytes(&self) -> &'a [u8] {
        self.input.as_bytes()
    }

    fn text(&self, start: usize, end: usize) -> Option<Token<'a>> {
        (start < end).then(|| {
            Token::Text(TextRun {
                raw: &self.input[start..end],
                model: self.model,
            })
        })
    }

    /// Finds the next `byte` at or behind `start`, counting the bytes passed as work.
    fn find(&mut self, byte: u8, start: usize) -> Option<usize> {
        let rest = &self.bytes()[start..];
        let found = memchr(byte, rest);
        self.examined(found.map_or(rest.len(), |length| length + 1));
        found.map(|length| start + length)
    }

    fn examined(&mut self, bytes: usize) {
        self.work_bytes += bytes as u64;
    }

    /// Text up to the next `<` that begins markup, or that markup.
    fn data(&mut self) -> Option<Token<'a>> {
        let bytes = self.bytes();
        let start = self.position;
        let mut at = start;
        while let Some(lt) = self.find(b'<', at) {
            let opens = match bytes.get(lt + 1) {
                Some(b'!' | b'?') => true,
                Some(b'/') => lt + 2 < bytes.len(),
                Some(byte) => byte.is_ascii_alphabetic(),
                None => false,
            };
            if opens && lt == start {
                return self.markup(lt);
            }
            if opens {
                self.position = lt;
                return self.text(start, lt);
            }
            at = lt + 1;
        }
        self.position = bytes.len();
        self.text(start, bytes.len())
    }

    /// At a `<` that begins markup.
    fn markup(&mut self, lt: usize) -> Option<Token<'a>> {
        let bytes = self.bytes();
        match bytes[lt + 1] {
            b'!' => self.declaration(lt + 2),
            b'?' => self.bogus_comment(lt + 1),
            b'/' if bytes[lt + 2] == b'>' => {
                self.position = lt + 3;
                None
            }
            b'/' if bytes[lt + 2].is_ascii_alphabetic() => self.tag(lt + 2, true),
            b'/' => self.bogus_comment(lt + 2),
            _ => self.tag(lt + 1, false),
        }
    }

    /// A tag whose name begins at `name_start`; no token when the input ends inside it.
    fn tag(&mut self, name_start: usize, is_end: bool) -> Option<Token<'a>> {
        let bytes = self.bytes();
        let ends_name = |b: u8| is_space(b) || matches!(b, b'/' | b'>');
        let name_end = swar::run_end(bytes, name_start, ends_name);
        let mut cursor = Cursor::new(self.input, name_end);
        let self_closing = loop {
            match cursor.step() {
                Step::Attribute(_) => {}
                Step::End { self_closing } => break self_closing,
                Step::Unfinished => {
                    self.examined(bytes.len() - name_start);
                    self.position = bytes.len();
                    self.ended_inside = Some(Inside::Tag);
                    return None;
                }
            }
        };
        self.position = cursor.position();
        self.examined(self.position - name_start);
        self.model = ContentModel::Data;
        let raw_name = &self.input[name_start..name_end];
        if is_end {
            return Some(Token::EndTag(EndTag { raw_name }));
        }
        self.last_start = raw_name;
        Some(Token::StartTag(StartTag {
            raw_name,
            raw_attributes: &self.input[name_end..self.position],
            self_closing,
        }))
    }

    /// Behind `<!`.
    fn declaration(&mut self, start: usize) -> Option<Token<'a>> {
        let rest = &self.bytes()[start..];
        if rest.starts_with(b"--") {
            return self.comment(start + 2);
        }
        if rest.len() >= 7 && rest[..7].eq_ignore_ascii_case(b"doctype") {
            let inside = start + 7;
            let (end, closed) = self.until_gt(inside);
            return Some(Token::Doctype(doctype::parse(
                &self.input[inside..end],
                closed,
            )));
        }
        if self.cdata_allowed && rest.starts_with(b"[CDATA[") {
            self.position = start + 7;
            self.model = ContentModel::CdataSection;
            return None;
        }
        self.bogus_comment(start)
    }

    /// Moves behind the next `>`; returns where it is, and whether there is one.
    fn until_gt(&mut self, start: usize) -> (usize, bool) {
        let found = self.find(b'>', start);
        self.position = found.map_or(self.input.len(), |gt| gt + 1);
        (found.unwrap_or(self.input.len()), found.is_some())
    }

    fn bogus_comment(&mut self, start: usize) -> Option<Token<'a>> {
        let (end, _) = self.until_gt(start);
        let raw = &self.input[start..end];
        Some(Token::Comment(Comment { raw }))
    }

    /// Behind `<!--`. A `>` closes when `--` or `--!` stands before it, or when nothing but dashes does.
    fn comment(&mut self, start: usize) -> Option<Token<'a>> {
        let bytes = self.bytes();
        let mut at = start;
        let end = loop {
            let Some(gt) = self.find(b'>', at) else {
                self.position = bytes.len();
                self.ended_inside = Some(Inside::Comment);
                break bytes.len() - unfinished_ending(&bytes[start..]);
            };
            at = gt + 1;
            let inside = &bytes[start..gt];
            let ending = match inside {
                b"" => Some(0),
                b"-" => Some(1),
                _ if inside.ends_with(b"--") => Some(2),
                _ if inside.ends_with(b"--!") => Some(3),
                _ => None,
            };
            if let Some(ending) = ending {
                self.position = at;
                break gt - ending;
            }
        };
        let raw = &self.input[start..end];
        Some(Token::Comment(Comment { raw }))
    }

    /// RCDATA and RAWTEXT: text up to the end tag, or the end tag.
    fn until_end_tag(&mut self) -> Option<Token<'a>> {
        self.until(raw_end_tag)
    }

    fn script(&mut self) -> Option<Token<'a>> {
        self.until(end_tag)
    }

    fn until(
        &mut self,
        end_tag: impl Fn(&[u8], usize, &[u8]) -> Option<usize>,
    ) -> Option<Token<'a>> {
        let found = end_tag(self.bytes(), self.position, self.last_start.as_bytes());
        self.examined(found.unwrap_or(self.input.len()) - self.position);
        match found {
            Some(lt) => self.text_or_end_tag(lt),
            None => self.rest_as_text(),
        }
    }

    /// The end tag was found at `lt`: first the text before it, then, called again there, itself.
    fn text_or_end_tag(&mut self, lt: usize) -> Option<Token<'a>> {
        let start = self.position;
        if start < lt {
            self.position = lt;
            return self.text(start, lt);
        }
        self.tag(lt + 2, true)
    }

    fn rest_as_text(&mut self) -> Option<Token<'a>> {
        let start = self.position;
        self.position = self.input.len();
        if self.model != ContentModel::Plaintext {
            self.ended_inside = Some(Inside::RawText);
        }
        self.text(start, self.input.len())
    }

    fn cdata_section(&mut self) -> Option<Token<'a>> {
        let start = self.position;
        let found = memmem::find(&self.bytes()[start..], b"]]>");
        self.examined(found.unwrap_or(self.input.len() - start));
        let Some(length) = found else {
            return self.rest_as_text();
        };
        let text = self.text(start, start + length);
        self.position = start + length + 3;
        self.model = ContentModel::Data;
        text
    }
}

/// Bytes at the end of an unfinished comment that belong to its ending rather than to its data.
fn unfinished_ending(inside: &[u8]) -> usize {
    [&b"--!"[..], b"--", b"-"]
        .iter()
        .find(|ending| inside.ends_with(ending))
        .map_or(0, |ending| ending.len())
}

impl<'a> Iterator for Tokenizer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        while self.position < self.input.len() {
            let token = match self.model {
                ContentModel::Data => self.data(),
                ContentModel::Rcdata | ContentModel::Rawtext => self.until_end_tag(),
                ContentModel::ScriptData => self.script(),
                ContentModel::Plaintext => self.rest_as_text(),
                ContentModel::CdataSection => self.cdata_section(),
            };
            if token.is_some() {
                return token;
            }
        }
        None
    }
}
