//! What a listing leaves out: doc comments, or the bodies of functions.

use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, ImplItem, ImplItemFn, ItemFn, ItemImpl, TraitItemFn, Visibility};

use crate::item::with_comments;
use crate::source::string_value;

/// Which parts are left out.
#[derive(Clone, Copy, Default)]
pub(crate) struct Elision {
    /// Doc comments, those of fields and inner items too.
    pub(crate) docs: bool,
    /// Bodies of functions, and the private items of inherent `impl` blocks.
    pub(crate) bodies: bool,
}

impl Elision {
    /// Collects the places in `text` where something is left out.
    pub(crate) fn finder(self, text: &str) -> Finder<'_> {
        Finder { elision: self, text, edits: Vec::new() }
    }
}

/// A range of bytes and what takes its place.
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    pub(crate) replacement: &'static str,
}

/// Visits an item and notes what to change; a change may lie inside another one.
pub(crate) struct Finder<'t> {
    elision: Elision,
    text: &'t str,
    pub(crate) edits: Vec<Edit>,
}

impl Finder<'_> {
    /// Leaves out `block`, and of what stands before it only the doc comments.
    fn signature(&mut self, attributes: &[Attribute], block: &Block) {
        attributes.iter().for_each(|attribute| self.visit_attribute(attribute));
        self.edits.push(Edit { range: block.span().byte_range(), replacement: "{ … }" });
    }

    /// Leaves out the whole lines of `range`, and their line break.
    fn lines(&mut self, range: Range<usize>, above: bool) {
        let lines = with_comments(self.text, range, above);
        let end = if self.text[lines.end..].starts_with('\n') { lines.end + 1 } else { lines.end };
        self.edits.push(Edit { range: lines.start..end, replacement: "" });
    }
}

impl<'s> Visit<'s> for Finder<'_> {
    fn visit_attribute(&mut self, attribute: &'s Attribute) {
        if self.elision.docs && string_value(attribute, "doc").is_some() {
            self.lines(attribute.span().byte_range(), false);
        }
    }

    fn visit_item_fn(&mut self, function: &'s ItemFn) {
        if self.elision.bodies {
            self.signature(&function.attrs, &function.block);
        } else {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_impl_item_fn(&mut self, method: &'s ImplItemFn) {
        if self.elision.bodies {
            self.signature(&method.attrs, &method.block);
        } else {
            visit::visit_impl_item_fn(self, method);
        }
    }

    fn visit_trait_item_fn(&mut self, method: &'s TraitItemFn) {
        match &method.default {
            Some(block) if self.elision.bodies => self.signature(&method.attrs, block),
            _ => visit::visit_trait_item_fn(self, method),
        }
    }

    fn visit_item_impl(&mut self, block: &'s ItemImpl) {
        block.attrs.iter().for_each(|attribute| self.visit_attribute(attribute));
        for item in &block.items {
            if self.elision.bodies && block.trait_.is_none() && !is_public(item) {
                self.lines(item.span().byte_range(), true);
            } else {
                self.visit_impl_item(item);
            }
        }
    }
}

fn is_public(item: &ImplItem) -> bool {
    let visibility = match item {
        ImplItem::Const(item) => &item.vis,
        ImplItem::Fn(item) => &item.vis,
        ImplItem::Type(item) => &item.vis,
        _ => return false,
    };
    matches!(visibility, Visibility::Public(_))
}

/// `code` without the blank lines that stand alone once their neighbours are gone.
pub(crate) fn tidy(code: &str) -> String {
    let lines: Vec<&str> = code.split('\n').collect();
    let blank = |index: usize| lines.get(index).is_none_or(|line| line.trim().is_empty());
    let idle = |index: usize| {
        let above = index.checked_sub(1).map_or("", |above| lines[above].trim_end());
        blank(index)
            && (above.is_empty()
                || above.ends_with('{')
                || lines.get(index + 1).is_none_or(|next| next.trim() == "}"))
    };
    let kept = (0..lines.len()).filter(|&index| !idle(index)).map(|index| lines[index]);
    kept.collect::<Vec<_>>().join("\n")
}
