//! What a submission may not use, found in its source before anything of it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::ops::Range;

use anyhow::Result;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use serde::Serialize;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, Meta, UseTree};

use super::cut::{own_files, starter};
use super::files::Files;
use super::manifest::{Assignment, Forbidden};
use crate::workspace::Workspace;

/// What nobody may use: it would go round the grader, or end it. Where the chapter itself uses such a thing, the learner may, too.
const NEVER: [(&str, &str); 27] = [
    ("unsafe", "everything here can be written without it"),
    ("extern", "no other language is needed"),
    ("std::arch", "no other language is needed"),
    ("core::arch", "no other language is needed"),
    ("global_asm!", "no other language is needed"),
    ("macro_rules!", "a name that a macro puts together cannot be looked up"),
    ("include!", "the text of a submission stands in the submission"),
    ("include_str!", "the text of a submission stands in the submission"),
    ("include_bytes!", "the text of a submission stands in the submission"),
    ("#[path]", "a module stands where the chapter has it"),
    ("#[ignore]", "what is not run is not passed"),
    ("#[global_allocator]", "memory is measured"),
    ("std::process", "a server is ended by whoever has started it, and starts no other program"),
    ("rustix::process", "a server is ended by whoever has started it, and starts no other program"),
    ("signal_hook::low_level", "a server is ended by whoever has started it"),
    ("std::panic::set_hook", "how a program reports its panics is the program's matter"),
    ("std::panic::take_hook", "how a program reports its panics is the program's matter"),
    ("std::env", "a library is told what it needs by its caller"),
    ("std::io::stdin", "that is where the grader speaks to the check"),
    ("rustix::stdio", "that is where the grader speaks to the check"),
    ("std::fs", "what comes and goes comes and goes over sockets"),
    ("rustix::fs", "what comes and goes comes and goes over sockets"),
    ("tokio", "another runtime would do the waiting, which is what is learned here"),
    ("smol", "another runtime would do the waiting, which is what is learned here"),
    ("async_std", "another runtime would do the waiting, which is what is learned here"),
    ("async_io", "another runtime would do the waiting, which is what is learned here"),
    ("async_executor", "another runtime would do the waiting, which is what is learned here"),
];

/// The longest path that is looked at.
const PATH_MAX: usize = 200;

/// How many things a path may mean. In a file that was written for people, most mean one.
const MEANINGS_MAX: usize = 64;

/// How often a name may stand for another one that was made up for it.
const ALIASES_MAX: usize = 16;

/// One use of what is forbidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Refusal {
    file: String,
    /// From 1.
    line: usize,
    path: String,
    reason: String,
}

impl Refusal {
    /// Whether it is of the same thing in the same file.
    fn is_of(&self, other: &Self) -> bool {
        self.file == other.file && self.path == other.path
    }
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
    let own = own_files(workspace, assignment)?;
    let in_own = |files: &Files| {
        in_texts(
            own.iter().map(|file| (file.as_str(), files.get(file).unwrap_or_default())),
            &forbidden,
        )
    };
    let mut refusals = in_own(sources);
    if !refusals.is_empty() {
        let given = in_own(&starter(workspace, assignment, 0..assignment.manifest.tasks.len())?);
        refusals.retain(|refusal| !given.iter().any(|given| given.is_of(refusal)));
    }
    Ok(refusals)
}

/// The uses in files of one package: what one calls by another name, the others may call so as well.
fn in_texts<'t>(
    texts: impl Iterator<Item = (&'t str, &'t str)>,
    forbidden: &[&Forbidden],
) -> Vec<Refusal> {
    let mut names = Names::default();
    let mut files = Vec::new();
    for (file, text) in texts {
        let (Ok(syntax), Ok(tokens)) = (syn::parse_file(text), text.parse::<TokenStream>()) else {
            continue;
        };
        let mut own = Names::default();
        own.visit_file(&syntax);
        let mut words = own.imported;
        collect(tokens, &mut words);
        let tests: Vec<Range<usize>> = syntax.items.iter().filter_map(range_of_tests).collect();
        words.retain(|word| !tests.iter().any(|range| range.contains(&word.at)));
        for (name, paths) in own.paths {
            names.paths.entry(name).or_default().extend(paths);
        }
        files.push((file, words));
    }
    let mut refusals: Vec<Refusal> = Vec::new();
    for (file, words) in files {
        let mut of_file: Vec<Refusal> = Vec::new();
        for word in words {
            let paths = names.meanings(&word.path);
            let is_used =
                |forbidden: &&&Forbidden| paths.iter().any(|path| is_within(path, &forbidden.path));
            let (path, reason) = match forbidden.iter().find(is_used) {
                Some(found) => (found.path.clone(), found.reason.clone()),
                None if paths.len() > MEANINGS_MAX => {
                    (word.path, "nobody can say what it stands for".to_owned())
                }
                None => continue,
            };
            let refusal = Refusal { file: file.to_owned(), line: word.line, path, reason };
            if !of_file.contains(&refusal) {
                of_file.push(refusal);
            }
        }
        of_file.sort_by_key(|refusal| refusal.line);
        refusals.extend(of_file);
    }
    refusals
}

/// Whether `path` is what is forbidden, something of it, or everything of a module that it is in.
fn is_within(path: &str, forbidden: &str) -> bool {
    let below = |whole: &str, module: &str| {
        whole.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    // A macro that is imported may be called by another name.
    let imported = forbidden.strip_suffix('!').is_some_and(|name| {
        ["std", "core"].iter().any(|root| {
            path.strip_prefix(root).and_then(|rest| rest.strip_prefix("::")) == Some(name)
        })
    });
    imported
        || below(path, forbidden)
        || path.strip_suffix("::*").is_some_and(|module| below(forbidden, module))
}

/// A module of unit tests, which is not part of what is graded.
fn range_of_tests(item: &Item) -> Option<Range<usize>> {
    let Item::Mod(module) = item else { return None };
    let is_test = |attribute: &Attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    };
    module.attrs.iter().any(is_test).then(|| module.span().byte_range())
}

/// A path as it is written: `thread::spawn`, `include!`, `#[path]`.
#[derive(Clone)]
struct Word {
    path: String,
    line: usize,
    /// Its place in the text, in bytes.
    at: usize,
}

impl Word {
    fn new(path: String, span: Span) -> Self {
        Self { path, line: span.start().line, at: span.byte_range().start }
    }
}

/// A name without the mark that lets it be a word of the language: `r#process` is `process`.
fn plain(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").unwrap_or(&name).to_owned()
}

/// All paths in `tokens`, also those in macros, whatever these mean by them.
fn collect(tokens: TokenStream, words: &mut Vec<Word>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |place: usize, c: char| matches!(tokens.get(place), Some(TokenTree::Punct(punct)) if punct.as_char() == c);
    let mut place = 0;
    while let Some(token) = tokens.get(place) {
        match token {
            TokenTree::Ident(first) => {
                let (span, mut path) = (first.span(), plain(first));
                while is(place + 1, ':') && is(place + 2, ':') {
                    let Some(TokenTree::Ident(next)) = tokens.get(place + 3) else { break };
                    path.push_str(&format!("::{}", plain(next)));
                    place += 3;
                }
                if is(place + 1, '!') && !is(place + 2, '=') {
                    words.push(Word::new(format!("{}!", last(&path)), span));
                }
                words.push(Word::new(path, span));
            }
            TokenTree::Group(group) => {
                let name = group.stream().into_iter().next();
                let is_attribute = place > 0 && (is(place - 1, '#') || is(place - 1, '!'));
                if let (true, Some(TokenTree::Ident(name))) = (is_attribute, name) {
                    words.push(Word::new(format!("#[{name}]"), name.span()));
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

/// What `use` lines call by which name: one name may mean something else in each module.
#[derive(Default)]
struct Names {
    paths: BTreeMap<String, BTreeSet<String>>,
    imported: Vec<Word>,
}

impl Names {
    /// `path`, and all that it may mean: each part may be a name that was made up for something else.
    fn meanings(&self, path: &str) -> BTreeSet<String> {
        let mut meanings = BTreeSet::from([path.to_owned()]);
        for _ in 0..ALIASES_MAX {
            let more: Vec<String> = meanings.iter().flat_map(|path| self.next(path)).collect();
            let known = meanings.len();
            meanings.extend(more);
            if meanings.len() == known || meanings.len() > MEANINGS_MAX {
                break;
            }
        }
        meanings
    }

    /// What `path` means with one of its parts written out. What stands before that part only says where the name was made up.
    fn next(&self, path: &str) -> Vec<String> {
        let mut meanings = Vec::new();
        let mut rest = path;
        loop {
            let (first, behind) = rest.split_once("::").unwrap_or((rest, ""));
            for whole in self.paths.get(first).into_iter().flatten().filter(|whole| *whole != first)
            {
                let space = if behind.is_empty() { "" } else { "::" };
                // `use a::b; use b::a;` would make it longer for ever.
                if whole.len() + behind.len() <= PATH_MAX {
                    meanings.push(format!("{whole}{space}{behind}"));
                }
            }
            if behind.is_empty() {
                return meanings;
            }
            rest = behind;
        }
    }

    fn tree(&mut self, tree: &UseTree, before: &str) {
        let mut name = |ident: &Ident, called: &Ident| {
            let path = format!("{before}{}", plain(ident));
            let path = path.strip_suffix("::self").unwrap_or(&path).to_owned();
            let called = if called == "self" { last(&path).to_owned() } else { plain(called) };
            self.imported.push(Word::new(path.clone(), ident.span()));
            self.paths.entry(called).or_default().insert(path);
        };
        match tree {
            UseTree::Path(path) => {
                self.tree(&path.tree, &format!("{before}{}::", plain(&path.ident)));
            }
            UseTree::Name(leaf) => name(&leaf.ident, &leaf.ident),
            UseTree::Rename(leaf) => name(&leaf.ident, &leaf.rename),
            UseTree::Glob(star) => {
                self.imported.push(Word::new(format!("{before}*"), star.star_token.spans[0]));
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
        refused_in(&[text])
    }

    fn refused_in(texts: &[&str]) -> Vec<String> {
        let forbid = |path: &str| Forbidden { path: path.to_owned(), reason: "no".to_owned() };
        let forbidden: Vec<Forbidden> =
            ["std::process::exit", "std::thread::spawn", "tokio", "include!", "#[path]", "unsafe"]
                .map(forbid)
                .into();
        let forbidden: Vec<&Forbidden> = forbidden.iter().collect();
        in_texts(texts.iter().map(|text| ("f.rs", *text)), &forbidden)
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
            "use std as a; use a::process as b; use b::exit as c; fn f() { c(0) }",
            "mod m { pub use std::process as p; } fn f() { m::p::exit(0) }",
            "use std::r#process; fn f() { r#process::r#exit(0) }",
            "#[cfg(test)] mod tests {} fn f() { std::process::exit(0) }",
        ] {
            assert_eq!(refused(text), ["1:std::process::exit"], "{text}");
        }
        let texts = ["pub use std::thread as t;", "fn f() { crate::a::t::spawn(g) }"];
        assert_eq!(refused_in(&texts), ["1:std::thread::spawn"]);
        assert_eq!(refused("use core::include as i; i!(\"x\");"), ["1:include!"]);
        let many: String = (0..100).map(|n| format!("use m{n}::a as a;\n")).collect();
        let many = refused(&format!("{many}fn f() {{ a::b() }}"));
        assert_eq!(many.last().unwrap(), "101:a::b");
        // Names that lead in a circle end.
        assert_eq!(refused("use a::b; use b::a; fn f() { a::b::a::b() }"), [""; 0]);
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
