//! Every item of a file with the names by which a page may ask for it.

use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Ident, ImplItem, Item, ItemImpl, TraitItem, Type};

/// Something in a file that has a name.
pub(crate) struct Entry<'s> {
    /// All spellings, the shortest first, the most exact last; compared by [`normal`].
    pub(crate) spellings: Vec<String>,
    pub(crate) piece: Piece<'s>,
}

/// A node of the syntax tree that can be shown.
#[derive(Clone, Copy)]
pub(crate) enum Piece<'s> {
    Item(&'s Item),
    InImpl(&'s ImplItem),
    InTrait(&'s TraitItem),
}

impl<'s> Piece<'s> {
    /// Its bytes in the file, with attributes and doc comments.
    pub(crate) fn range(self) -> Range<usize> {
        match self {
            Self::Item(item) => item.span(),
            Self::InImpl(item) => item.span(),
            Self::InTrait(item) => item.span(),
        }
        .byte_range()
    }

    /// Lets `visitor` see the node.
    pub(crate) fn accept(self, visitor: &mut impl Visit<'s>) {
        match self {
            Self::Item(item) => visitor.visit_item(item),
            Self::InImpl(item) => visitor.visit_impl_item(item),
            Self::InTrait(item) => visitor.visit_trait_item(item),
        }
    }
}

/// The entries of a parsed file whose source is `text`.
pub(crate) fn entries<'s>(syntax: &'s syn::File, text: &'s str) -> Vec<Entry<'s>> {
    let mut index = Index { text, entries: Vec::new() };
    index.items(&syntax.items, "");
    index.entries
}

/// `spelling` with a blank only where two words meet, so that two spellings can be compared.
pub(crate) fn normal(spelling: &str) -> String {
    let wordy = |c: char| c.is_alphanumeric() || c == '_';
    let mut normal = String::new();
    for word in spelling.split_whitespace() {
        if normal.ends_with(wordy) && word.starts_with(wordy) {
            normal.push(' ');
        }
        normal.push_str(word);
    }
    normal
}

struct Index<'s> {
    text: &'s str,
    entries: Vec<Entry<'s>>,
}

impl<'s> Index<'s> {
    fn items(&mut self, items: &'s [Item], module: &str) {
        for item in items {
            match item {
                Item::Impl(block) => self.block(item, block, module),
                Item::Trait(definition) => {
                    self.push(module, [definition.ident.to_string()], Piece::Item(item));
                    for inner in &definition.items {
                        let spelling = trait_item_name(inner)
                            .map(|name| format!("{}::{name}", definition.ident));
                        self.push(module, spelling, Piece::InTrait(inner));
                    }
                }
                Item::Mod(inner) => {
                    self.push(module, [inner.ident.to_string()], Piece::Item(item));
                    if let Some((_, items)) = &inner.content {
                        self.items(items, &format!("{module}{}::", inner.ident));
                    }
                }
                _ => self.push(module, item_name(item).map(Ident::to_string), Piece::Item(item)),
            }
        }
    }

    fn block(&mut self, item: &'s Item, block: &'s ItemImpl, module: &str) {
        let ty = [self.last_name(&block.self_ty), self.source(&block.self_ty)];
        let headers: Vec<(String, String)> = match &block.trait_ {
            None => ty.map(|ty| (format!("impl {ty}"), format!("<{ty}>"))).into(),
            Some((path, _)) => {
                let short = path
                    .segments
                    .last()
                    .map(|segment| segment.ident.to_string())
                    .unwrap_or_default();
                [short, self.source(path)]
                    .into_iter()
                    .zip(ty)
                    .map(|(name, ty)| {
                        (format!("impl {name} for {ty}"), format!("<{ty} as {name}>"))
                    })
                    .collect()
            }
        };
        let whole = self.text[block.impl_token.span().byte_range().start
            ..block.brace_token.span.open().byte_range().start]
            .trim_end();
        let spellings = headers.iter().map(|(header, _)| header.clone()).chain([whole.to_owned()]);
        self.push(module, spellings, Piece::Item(item));
        let ty = self.last_name(&block.self_ty);
        for inner in &block.items {
            let Some(name) = impl_item_name(inner) else { continue };
            let exact = headers.iter().map(|(_, owner)| format!("{owner}::{name}"));
            self.push(
                module,
                std::iter::once(format!("{ty}::{name}")).chain(exact),
                Piece::InImpl(inner),
            );
        }
    }

    fn push(
        &mut self,
        module: &str,
        spellings: impl IntoIterator<Item = String>,
        piece: Piece<'s>,
    ) {
        let mut spellings: Vec<String> =
            spellings.into_iter().map(|spelling| format!("{module}{spelling}")).collect();
        spellings.dedup();
        if !spellings.is_empty() {
            self.entries.push(Entry { spellings, piece });
        }
    }

    fn source(&self, node: &impl Spanned) -> String {
        self.text[node.span().byte_range()].to_owned()
    }

    /// `Selector` for `crate::Selector<S>`; the source itself for a type that is no path.
    fn last_name(&self, ty: &Type) -> String {
        match ty {
            Type::Path(path) => path
                .path
                .segments
                .last()
                .map(|segment| segment.ident.to_string())
                .unwrap_or_default(),
            other => self.source(other),
        }
    }
}

fn item_name(item: &Item) -> Option<&Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Macro(item) => item.ident.as_ref(),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::TraitAlias(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}

fn impl_item_name(item: &ImplItem) -> Option<&Ident> {
    match item {
        ImplItem::Const(item) => Some(&item.ident),
        ImplItem::Fn(item) => Some(&item.sig.ident),
        ImplItem::Type(item) => Some(&item.ident),
        _ => None,
    }
}

fn trait_item_name(item: &TraitItem) -> Option<&Ident> {
    match item {
        TraitItem::Const(item) => Some(&item.ident),
        TraitItem::Fn(item) => Some(&item.sig.ident),
        TraitItem::Type(item) => Some(&item.ident),
        _ => None,
    }
}
