//! What a submission may not use, found in its source before anything of it runs.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::ops::Range;

use anyhow::Result;
use proc_macro2::{TokenStream, TokenTree};
use serde::Serialize;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, Meta, UseTree};

use super::cut::own_files;
use super::files::Files;
use super::manifest::{Assignment, Forbidden};
use crate::workspace::Workspace;

/// What nobody may use: it would go round the grader, or end it.
const NEVER: [(&str, &str); 10] = [
    ("unsafe", "everything here can be written without it"),
    ("extern", "no other language is needed"),
    ("include!", "the text of a submission stands in the submission"),
    ("include_str!", "the text of a submission stands in the submission"),
    ("include_bytes!", "the text of a submission stands in the submission"),
    ("#[path]", "a module stands where the chapter has it"),
    ("std::process::exit", "a server is ended by whoever has started it"),
    ("std::process::abort", "a server is ended by whoever has started it"),
    ("std::panic::set_hook", "how a program reports its panics is the program's matter"),
    ("std::env", "a library is told what it needs by its caller"),
];

/// One use of what is forbidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Refusal {
    file: String,
    /// From 1.
    line: usize,
    path: String,
    reason: String,
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { file, line, path, reason } = self;
        write!(f, "{file}:{line}: `{path}` is refused: {reason}")
    }
}

/// The uses in those of `sources` that the learner writes. A file that is no Rust has none: the compiler will say so.
///
/// # Errors
/// If the assignment's items are not there.
pub(crate) fn of(
    workspace: &Workspace,
    assignment: &Assignment,
    sources: &Files,
) -> Result<Vec<Refusal>> {
    let never =
        NEVER.map(|(path, reason)| Forbidden { path: path.to_owned(), reason: reason.to_owned() });
    let forbidden: Vec<&Forbidden> = never.iter().chain(&assignment.manifest.forbidden).collect();
    let mut refusals = Vec::new();
    for file in own_files(workspace, assignment)? {
        refusals.extend(in_text(&file, sources.get(&file).unwrap_or_default(), &forbidden));
    }
    Ok(refusals)
}

fn in_text(file: &str, text: &str, forbidden: &[&Forbidden]) -> Vec<Refusal> {
    let (Ok(syntax), Ok(tokens)) = (syn::parse_file(text), text.parse::<TokenStream>()) else {
        return Vec::new();
    };
    let mut names = Names::default();
    names.visit_file(&syntax);
    let mut words = names.imported.clone();
    collect(tokens, &mut words);
    let tests: Vec<Range<usize>> = syntax.items.iter().filter_map(lines_of_tests).collect();
    words.retain(|word| !tests.iter().any(|lines| lines.contains(&word.line)));
    let mut refusals: Vec<Refusal> = Vec::new();
    for word in &words {
        let whole = names.whole(&word.path);
        let used = |forbidden: &&&Forbidden| {
            whole == forbidden.path || whole.starts_with(&format!("{}::", forbidden.path))
                // Everything of a module: of what is forbidden, too.
                || whole.strip_suffix("::*").is_some_and(|module| forbidden.path.starts_with(&format!("{module}::")))
        };
        let Some(found) = forbidden.iter().find(used) else { continue };
        let known = |refusal: &Refusal| refusal.line == word.line && refusal.path == found.path;
        if !refusals.iter().any(known) {
            refusals.push(Refusal {
                file: file.to_owned(),
                line: word.line,
                path: found.path.clone(),
                reason: found.reason.clone(),
            });
        }
    }
    refusals.sort_by_key(|refusal| refusal.line);
    refusals
}

/// The lines of a module of unit tests, which are not part of what is graded.
fn lines_of_tests(item: &Item) -> Option<Range<usize>> {
    let Item::Mod(module) = item else { return None };
    let is_test = |attribute: &Attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    };
    module
        .attrs
        .iter()
        .any(is_test)
        .then(|| module.span().start().line..module.span().end().line + 1)
}

/// A path as it is written: `thread::spawn`, `include!`, `#[path]`.
#[derive(Clone)]
struct Word {
    path: String,
    line: usize,
}

/// All paths in `tokens`, also those in macros, whatever these mean by them.
fn collect(tokens: TokenStream, words: &mut Vec<Word>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |place: usize, c: char| matches!(tokens.get(place), Some(TokenTree::Punct(punct)) if punct.as_char() == c);
    let mut place = 0;
    while let Some(token) = tokens.get(place) {
        match token {
            TokenTree::Ident(first) => {
                let (line, mut path) = (first.span().start().line, first.to_string());
                while is(place + 1, ':') && is(place + 2, ':') {
                    let Some(TokenTree::Ident(next)) = tokens.get(place + 3) else { break };
                    path.push_str(&format!("::{next}"));
                    place += 3;
                }
                if is(place + 1, '!') && !is(place + 2, '=') {
                    words.push(Word { path: format!("{}!", last(&path)), line });
                }
                words.push(Word { path, line });
            }
            TokenTree::Group(group) => {
                let name = group.stream().into_iter().next();
                let is_attribute = place > 0 && (is(place - 1, '#') || is(place - 1, '!'));
                if let (true, Some(TokenTree::Ident(name))) = (is_attribute, name) {
                    let line = name.span().start().line;
                    words.push(Word { path: format!("#[{name}]"), line });
                }
                collect(group.stream(), words);
            }
            _ => {}
        }
        place += 1;
    }
}

fn last(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

/// What the `use` lines of a file call by which name.
#[derive(Default)]
struct Names {
    paths: BTreeMap<String, String>,
    imported: Vec<Word>,
}

impl Names {
    /// `path` with its first part written out.
    fn whole(&self, path: &str) -> String {
        let (first, rest) = path.split_once("::").unwrap_or((path, ""));
        match self.paths.get(first) {
            // `use std::io;` makes `io` mean `std::io`; `use tokio;` makes nothing longer.
            Some(whole) if whole != first && rest.is_empty() => whole.clone(),
            Some(whole) if whole != first => format!("{whole}::{rest}"),
            _ => path.to_owned(),
        }
    }

    fn tree(&mut self, tree: &UseTree, before: &str) {
        let mut name = |ident: &syn::Ident, called: &syn::Ident| {
            let path = format!("{before}{ident}");
            let line = ident.span().start().line;
            let path = path.strip_suffix("::self").unwrap_or(&path).to_owned();
            let called = if called == "self" { last(&path).to_owned() } else { called.to_string() };
            self.imported.push(Word { path: path.clone(), line });
            self.paths.insert(called, path);
        };
        match tree {
            UseTree::Path(path) => self.tree(&path.tree, &format!("{before}{}::", path.ident)),
            UseTree::Name(leaf) => name(&leaf.ident, &leaf.ident),
            UseTree::Rename(leaf) => name(&leaf.ident, &leaf.rename),
            UseTree::Glob(star) => {
                let line = star.star_token.spans[0].start().line;
                self.imported.push(Word { path: format!("{before}*"), line });
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, before)),
        }
    }
}

impl<'s> Visit<'s> for Names {
    fn visit_item_use(&mut self, line: &'s ItemUse) {
        self.tree(&line.tree, "");
        visit::visit_item_use(self, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Vec<String> {
        let forbid = |path: &str| Forbidden { path: path.to_owned(), reason: "no".to_owned() };
        let forbidden: Vec<Forbidden> =
            ["std::process::exit", "std::thread::spawn", "tokio", "include!", "#[path]", "unsafe"]
                .map(forbid)
                .into();
        let forbidden: Vec<&Forbidden> = forbidden.iter().collect();
        in_text("f.rs", text, &forbidden)
            .iter()
            .map(|refusal| format!("{}:{}", refusal.line, refusal.path))
            .collect()
    }

    #[test]
    fn a_forbidden_path_is_found_under_every_name() {
        for text in [
            "fn f() { std::process::exit(0) }",
            "fn f() { ::std::process::exit(0) }",
            "use std::process; fn f() { process::exit(0) }",
            "use std::process as p; fn f() { p::exit(0) }",
            "use std::{io, process::{self}}; fn f() { process::exit(0) }",
            "use std::process::exit as out;",
            "use std::process::*;",
            "fn f() { let _ = [1, 2].map(|_| std::process::exit(0)); }",
            "fn f() { println!(\"{}\", { std::process::exit(0) }) }",
        ] {
            assert_eq!(refused(text), ["1:std::process::exit"], "{text}");
        }
        assert_eq!(refused("\nuse tokio::net::TcpStream;"), ["2:tokio"]);
        assert_eq!(refused("fn f() { unsafe { g() } }"), ["1:unsafe"]);
        assert_eq!(refused("#[path = \"/x.rs\"] mod m;"), ["1:#[path]"]);
        assert_eq!(refused("const T: &str = include!(\"x\");"), ["1:include!"]);
    }

    #[test]
    fn what_only_looks_like_it_is_let_be() {
        for text in [
            "use std::thread; fn f() { thread::sleep(x); self.spawn() }",
            "// std::process::exit\nfn f() { \"unsafe tokio\"; }",
            "fn include() { if a != b {} }",
            "/// `unsafe` std::process::exit\nfn f() {}",
            "fn exit() { exit() }",
            "#[cfg(test)]\nmod tests { fn f() { std::process::exit(0) } }",
        ] {
            assert!(refused(text).is_empty(), "{text}");
        }
    }
}
