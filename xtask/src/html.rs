//! A rendered page or a picture as the checks see it: elements, their attributes and their text.

use std::cell::RefCell;
use std::sync::LazyLock;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use regex::Regex;

/// The elements of an HTML or SVG text, in the order of their start tags.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) elements: Vec<Element>,
}

/// A start tag and the text up to the next tag of any kind.
pub(crate) struct Element {
    /// In lower case.
    pub(crate) name: String,
    /// Names, in lower case, and values.
    pub(crate) attributes: Vec<(String, String)>,
    /// What stands between this start tag and the next start tag.
    pub(crate) text: String,
}

impl Page {
    /// Reads `text` as a browser's tokenizer does, which accepts anything.
    pub(crate) fn parse(text: &str) -> Self {
        let queue = BufferQueue::default();
        queue.push_back(StrTendril::from(text));
        let tokenizer = Tokenizer::new(Collector::default(), TokenizerOpts::default());
        // The result asks the caller to run a script or to change the encoding; the collector never does.
        let _ = tokenizer.feed(&queue);
        tokenizer.end();
        tokenizer.sink.page.into_inner()
    }

    /// All values of `id` attributes.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.elements.iter().filter_map(|element| element.attribute("id"))
    }
}

impl Element {
    /// The value of the attribute `name`.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The targets of the attributes that point somewhere.
    pub(crate) fn references(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().flat_map(|(name, value)| match name.as_str() {
            "href" | "xlink:href" | "src" | "data" | "poster" | "action" => vec![value.as_str()],
            "srcset" => {
                value.split(',').filter_map(|source| source.split_whitespace().next()).collect()
            }
            // `style`, and what SVG has instead, such as `marker-end`.
            _ => css_references(value).collect(),
        })
    }

    /// The targets in the style sheet that the element's text is.
    pub(crate) fn style_references(&self) -> impl Iterator<Item = &str> {
        (self.name == "style").then(|| css_references(&self.text)).into_iter().flatten()
    }

    /// Whether a browser loads what its attribute points to, without being asked by the reader.
    pub(crate) fn loads(&self) -> bool {
        !matches!(self.name.as_str(), "a" | "area")
    }
}

/// The targets of `url(…)` and `@import` in a style sheet.
pub(crate) fn css_references(css: &str) -> impl Iterator<Item = &str> {
    static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?:url\(\s*|@import\s+)["']?([^"')\s;]+)"#)
            .expect("the pattern is constant and was tried")
    });
    REFERENCE.captures_iter(css).filter_map(|found| found.get(1)).map(|target| target.as_str())
}

#[derive(Default)]
struct Collector {
    // The tokenizer lends its sink shared; it and the parse function are the only owners.
    page: RefCell<Page>,
}

impl TokenSink for Collector {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut page = self.page.borrow_mut();
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                let element = Element::from(tag);
                // Without a tree builder the tokenizer has to be told whose text is not markup.
                let raw = match element.name.as_str() {
                    "script" => Some(RawKind::ScriptData),
                    "style" => Some(RawKind::Rawtext),
                    _ => None,
                };
                page.elements.push(element);
                if let Some(kind) = raw {
                    return TokenSinkResult::RawData(kind);
                }
            }
            Token::CharacterTokens(text) => {
                if let Some(element) = page.elements.last_mut() {
                    element.text.push_str(&text);
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl From<Tag> for Element {
    fn from(tag: Tag) -> Self {
        let attributes = tag
            .attrs
            .into_iter()
            .map(|attribute| (attribute.name.local.to_string(), attribute.value.to_string()));
        Self { name: tag.name.to_string(), attributes: attributes.collect(), text: String::new() }
    }
}
