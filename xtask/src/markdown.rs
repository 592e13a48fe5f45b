//! What a page's source says as Markdown: its fenced blocks, its links and the references that lead nowhere.
//!
//! Read with the parser and the options that mdbook uses, so that both see the same page.

use std::cell::RefCell;
use std::ops::Range;

use mdbook_markdown::pulldown_cmark::{
    BrokenLink, CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd,
};

/// A fenced code block.
pub(crate) struct Fence {
    /// From the opening fence to the end of the closing one.
    pub(crate) range: Range<usize>,
    /// The first word of what stands behind the opening fence: the language.
    pub(crate) language: String,
}

/// What the checks want to know of a page.
pub(crate) struct Outline {
    pub(crate) fences: Vec<Fence>,
    /// Destination and offset of each link and picture.
    pub(crate) links: Vec<(String, usize)>,
    /// `[text][name]` or `[^name]` whose name is defined nowhere: its source and offset.
    pub(crate) undefined: Vec<(String, usize)>,
}

impl Outline {
    /// Parses `text`.
    pub(crate) fn of(text: &str) -> Self {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_HEADING_ATTRIBUTES
            | Options::ENABLE_SMART_PUNCTUATION
            | Options::ENABLE_DEFINITION_LIST
            | Options::ENABLE_GFM;
        let undefined = RefCell::new(Vec::new());
        let mut note = |link: BrokenLink<'_>| {
            // A lone `[word]` is how prose writes brackets.
            if link.link_type != LinkType::Shortcut {
                undefined.borrow_mut().push((text[link.span.clone()].to_owned(), link.span.start));
            }
            None
        };
        let (mut fences, mut links) = (Vec::new(), Vec::new());
        let mut in_code = false;
        for (event, range) in
            Parser::new_with_broken_link_callback(text, options, Some(&mut note)).into_offset_iter()
        {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    in_code = true;
                    if let CodeBlockKind::Fenced(info) = kind {
                        let language =
                            info.split([',', ' ', '\t']).next().unwrap_or_default().to_owned();
                        fences.push(Fence { range, language });
                    }
                }
                Event::End(TagEnd::CodeBlock) => in_code = false,
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    links.push((dest_url.into_string(), range.start));
                }
                Event::Text(_) if !in_code => {
                    undefined.borrow_mut().extend(undefined_footnote(text, range.start));
                }
                _ => {}
            }
        }
        Self { fences, links, undefined: undefined.into_inner() }
    }

    /// The fenced block that `offset` lies in.
    pub(crate) fn fence_at(&self, offset: usize) -> Option<&Fence> {
        self.fences.iter().find(|fence| fence.range.contains(&offset))
    }
}

/// The footnote's reference at `offset`, where the parser saw mere text: it has no definition.
fn undefined_footnote(text: &str, offset: usize) -> Option<(String, usize)> {
    let name = text[offset..].strip_prefix("[^")?.split_once(']')?.0;
    let escaped = text[..offset].ends_with('\\');
    let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
    (is_name && !escaped).then(|| (format!("[^{name}]"), offset))
}
