//! What a submission may not use, found in its source before anything of it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::ops::Range;

use anyhow::Result;
use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use serde::Serialize;
use syn::spanned::Spanned;
use syn::{Attribute, Item, ItemUse, Meta, UseTree};

use super::cut::{own_files, starter};
use super::files::Files;
use super::manifest::{Assignment, Forbidden};
use crate::workspace::Workspace;

/// What nobody may use: it would go round the grader, or end it. Where the chapter itself uses such a thing, the learner may, too.
const NEVER: [(&str, &str); 40] = [
    ("unsafe", "everything here can be written without it"),
    ("extern", "no other language is needed"),
    ("core::arch", "no other language is needed"),
    ("std::arch", "no other language is needed"),
    ("global_asm!", "no other language is needed"),
    ("macro_rules!", "a name that a macro puts together cannot be looked up"),
    ("include!", "the text of a submission stands in the submission"),
    ("include_str!", "the text of a submission stands in the submission"),
    ("include_bytes!", "the text of a submission stands in the submission"),
    ("#[path]", "a module stands where the chapter has it"),
    ("#[cfg_attr]", "an attribute is there or is not"),
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
    ("std::os::unix::fs", "what comes and goes comes and goes over sockets"),
    ("std::os::linux::fs", "what comes and goes comes and goes over sockets"),
    ("std::path", "what comes and goes comes and goes over sockets"),
    (
        "std::os::unix::process",
        "a server is ended by whoever has started it, and starts no other program",
    ),
    ("lexopt", "a library is told what it needs by its caller"),
    ("std::backtrace", "a function does the same whoever calls it"),
    ("core::panic::Location", "a function does the same whoever calls it"),
    ("std::panic::Location", "a function does the same whoever calls it"),
    ("#[track_caller]", "a function does the same whoever calls it"),
    ("std::any::type_name", "a function does the same whoever calls it"),
    ("std::any::type_name_of_val", "a function does the same whoever calls it"),
    ("impl PartialEq", "what is equal is for the checks to say: derive it"),
    ("tokio", "another runtime would do the waiting, which is what is learned here"),
    ("smol", "another runtime would do the waiting, which is what is learned here"),
    ("async_std", "another runtime would do the waiting, which is what is learned here"),
    ("async_io", "another runtime would do the waiting, which is what is learned here"),
    ("async_executor", "another runtime would do the waiting, which is what is learned here"),
];

/// The longest path that is looked at.
const PATH_MAX: usize = 200;

/// How many uses in one file are told: who mends these is told of the next ones.
const REFUSALS_MAX: usize = 20;

/// How much of a line is shown.
const SHOWN_MAX: usize = 60;

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

/// The uses in those of `sources` that the learner writes. A file that is no Rust has none: the compiler will say so, or else see
/// [`unread`].
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

/// Those of the learner's files that are no Rust, as far as can be seen here. If the compiler takes them nevertheless, nobody knows
/// what they do.
///
/// # Errors
/// If the assignment's items are not there.
pub(crate) fn unread(
    workspace: &Workspace,
    assignment: &Assignment,
    sources: &Files,
) -> Result<Vec<Refusal>> {
    let own = own_files(workspace, assignment)?;
    Ok(own.iter().filter_map(|file| unreadable(file, sources.get(file)?)).collect())
}

fn unreadable(file: &str, text: &str) -> Option<Refusal> {
    let (_, line) = read(text).err()?;
    let said = text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim();
    let reason = "the grader cannot read it, and runs nothing that it has not read";
    Some(Refusal {
        file: file.to_owned(),
        line,
        path: said.chars().take(SHOWN_MAX).collect(),
        reason: reason.to_owned(),
    })
}

/// The text as items and as tokens, or what is wrong with it and in which line.
fn read(text: &str) -> Result<(syn::File, TokenStream), (String, usize)> {
    let first = text.strip_prefix('\u{feff}').unwrap_or(text);
    if first.starts_with("#!") && !first.starts_with("#![") {
        // The compiler skips it. As tokens it may be the beginning of a text that ends with the file.
        return Err(("the first line is for a shell".to_owned(), 1));
    }
    let syntax = syn::parse_file(text)
        .map_err(|error| (error.to_string(), error.span().start().line.max(1)))?;
    let tokens = text
        .parse::<TokenStream>()
        .map_err(|error| (error.to_string(), error.span().start().line.max(1)))?;
    Ok((syntax, tokens))
}

/// The uses in files of one package: what one calls by another name, the others may call so as well.
fn in_texts<'t>(
    texts: impl Iterator<Item = (&'t str, &'t str)>,
    forbidden: &[&Forbidden],
) -> Vec<Refusal> {
    let mut names = Names::default();
    let mut files = Vec::new();
    for (file, text) in texts {
        let Ok((syntax, tokens)) = read(text) else { continue };
        let mut words = Vec::new();
        collect(tokens, &mut words, &mut names);
        let tests: Vec<Range<usize>> = syntax.items.iter().filter_map(range_of_tests).collect();
        words.retain(|word| !tests.iter().any(|range| range.contains(&word.at)));
        files.push((file, words));
    }
    let forbidden: Vec<(Shape, &str, &Forbidden)> = forbidden
        .iter()
        .map(|forbidden| {
            let (shape, path) = Shape::of(&forbidden.path);
            (shape, path, *forbidden)
        })
        .collect();
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut refusals: Vec<Refusal> = Vec::new();
    for (file, words) in files {
        let mut of_file: BTreeSet<(usize, String, String)> = BTreeSet::new();
        for word in words {
            let paths =
                known.entry(word.path.clone()).or_insert_with(|| names.meanings(&word.path));
            let is_used = |&&(shape, wanted, _): &&(Shape, &str, &Forbidden)| {
                shape == word.shape && paths.iter().any(|path| shape.is_within(path, wanted))
            };
            let (path, reason) = match forbidden.iter().find(is_used) {
                Some((_, _, found)) => (found.path.clone(), found.reason.clone()),
                None if paths.len() > MEANINGS_MAX => {
                    (word.path, "nobody can say what it stands for".to_owned())
                }
                None => continue,
            };
            of_file.insert((word.line, path, reason));
        }
        let refusal = |(line, path, reason)| Refusal { file: file.to_owned(), line, path, reason };
        refusals.extend(of_file.into_iter().take(REFUSALS_MAX).map(refusal));
    }
    refusals
}

/// Whether `path` is what is forbidden, something of it, or everything of a module that it is in.
fn is_within(path: &str, forbidden: &str) -> bool {
    let below = |whole: &str, module: &str| {
        whole.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    below(path, forbidden)
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

/// As what a path is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Path,
    /// `include!`
    Macro,
    /// `#[path]`
    Attribute,
    /// `impl PartialEq`
    Impl,
}

impl Shape {
    /// What `written` forbids: the shape and the path.
    fn of(written: &str) -> (Self, &str) {
        if let Some(path) = written.strip_suffix('!') {
            (Self::Macro, path)
        } else if let Some(path) = written.strip_prefix("#[") {
            (Self::Attribute, path.trim_end_matches(']'))
        } else if let Some(path) = written.strip_prefix("impl ") {
            (Self::Impl, path)
        } else {
            (Self::Path, written)
        }
    }

    fn is_within(self, path: &str, forbidden: &str) -> bool {
        match self {
            Self::Path => is_within(path, forbidden),
            // There is but one of that name, and it has many places: `std::include`, `std::prelude::v1::include`.
            Self::Macro | Self::Attribute | Self::Impl => last(path) == forbidden,
        }
    }
}

/// A path as it is written, `thread::spawn`, and as what.
#[derive(Clone)]
struct Word {
    path: String,
    shape: Shape,
    line: usize,
    /// Its place in the text, in bytes.
    at: usize,
}

impl Word {
    fn new(path: String, shape: Shape, span: Span) -> Self {
        Self { path, shape, line: span.start().line, at: span.byte_range().start }
    }
}

/// A name without the mark that lets it be a word of the language: `r#process` is `process`.
fn plain(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").unwrap_or(&name).to_owned()
}

fn is_punct(token: Option<&TokenTree>, c: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == c)
}

/// The path that begins at `place`, and the place of its last part.
fn path_at(tokens: &[TokenTree], place: usize) -> Option<(String, usize)> {
    let Some(TokenTree::Ident(first)) = tokens.get(place) else { return None };
    let (mut path, mut end) = (plain(first), place);
    while is_punct(tokens.get(end + 1), ':') && is_punct(tokens.get(end + 2), ':') {
        let Some(TokenTree::Ident(next)) = tokens.get(end + 3) else { break };
        path.push_str(&format!("::{}", plain(next)));
        end += 3;
    }
    Some((path, end))
}

/// All paths in `tokens`, also those in macros, whatever these mean by them, and what `use` lines call by other names.
fn collect(tokens: TokenStream, words: &mut Vec<Word>, names: &mut Names) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |place: usize, c: char| is_punct(tokens.get(place), c);
    let mut place = 0;
    while let Some(token) = tokens.get(place) {
        match token {
            TokenTree::Ident(first) => {
                if first == "use" {
                    names.line(&tokens[place..], words);
                }
                if first == "impl"
                    && let Some(path) = implemented(&tokens[place + 1..])
                {
                    words.push(Word::new(path, Shape::Impl, first.span()));
                }
                let span = first.span();
                let (path, end) = path_at(&tokens, place).expect("it begins with a name");
                place = end;
                if is(place + 1, '!') && !is(place + 2, '=') {
                    words.push(Word::new(path.clone(), Shape::Macro, span));
                }
                words.push(Word::new(path, Shape::Path, span));
            }
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let is_behind_hash = place > 0
                    && (is(place - 1, '#')
                        || place > 1 && is(place - 1, '!') && is(place - 2, '#'));
                if group.delimiter() == Delimiter::Bracket
                    && is_behind_hash
                    && let Some((path, _)) = path_at(&inner, 0)
                {
                    words.push(Word::new(path, Shape::Attribute, inner[0].span()));
                }
                collect(group.stream(), words, names);
            }
            _ => {}
        }
        place += 1;
    }
}

/// The trait of `impl<T> a::Trait<T> for U`, whose tokens behind `impl` are given; none if there is none.
fn implemented(tokens: &[TokenTree]) -> Option<String> {
    let (mut depth, mut found, mut place) = (0, None, 0);
    loop {
        match tokens.get(place)? {
            TokenTree::Ident(ident) if ident == "for" && depth == 0 => return found,
            TokenTree::Ident(_) if depth == 0 => {
                let (path, end) = path_at(tokens, place)?;
                (found, place) = (Some(path), end);
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                '<' => depth += 1,
                '>' if place > 0 && is_punct(tokens.get(place - 1), '-') => {}
                '>' => depth -= 1,
                ';' | ',' | '=' if depth == 0 => return None,
                _ => {}
            },
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && depth == 0 => {
                return None;
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
}

impl Names {
    /// `path`, and all that it may mean: each part may be a name that was made up for something else.
    fn meanings(&self, path: &str) -> BTreeSet<String> {
        let mut meanings = BTreeSet::from([path.to_owned()]);
        for _ in 0..ALIASES_MAX {
            let more = meanings.iter().flat_map(|path| self.next(path));
            let more: Vec<String> = more.take(2 * MEANINGS_MAX).collect();
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
        let mut meanings = elsewhere(path);
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

    /// Learns what the `use` line that `tokens` begin with calls by which name. Its paths are used.
    fn line(&mut self, tokens: &[TokenTree], words: &mut Vec<Word>) {
        let end = tokens.iter().position(|token| is_punct(Some(token), ';'));
        let line = end.map(|end| tokens[..=end].iter().cloned().collect::<TokenStream>());
        // Another thing that begins with this word, `use<'a>`, gives nothing a name.
        if let Some(Ok(line)) = line.map(syn::parse2::<ItemUse>) {
            self.tree(&line.tree, "", words);
        }
    }

    fn tree(&mut self, tree: &UseTree, before: &str, words: &mut Vec<Word>) {
        let mut name = |ident: &Ident, called: &Ident| {
            let path = format!("{before}{}", plain(ident));
            let path = path.strip_suffix("::self").unwrap_or(&path).to_owned();
            let called = if called == "self" { last(&path).to_owned() } else { plain(called) };
            words.push(Word::new(path.clone(), Shape::Path, ident.span()));
            self.paths.entry(called).or_default().insert(path);
        };
        match tree {
            UseTree::Path(path) => {
                self.tree(&path.tree, &format!("{before}{}::", plain(&path.ident)), words);
            }
            UseTree::Name(leaf) => name(&leaf.ident, &leaf.ident),
            UseTree::Rename(leaf) => name(&leaf.ident, &leaf.rename),
            UseTree::Glob(star) => {
                words.push(Word::new(format!("{before}*"), Shape::Path, star.star_token.spans[0]));
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.tree(tree, before, words));
            }
        }
    }
}

/// Where else the standard library has `path`.
fn elsewhere(path: &str) -> Vec<String> {
    let root = ["core::", "alloc::"].iter().find_map(|root| path.strip_prefix(root));
    match (root, path.strip_prefix("std::io::prelude::")) {
        (Some(rest), _) => vec![format!("std::{rest}")],
        (None, Some("*")) => {
            ["BufRead", "Read", "Seek", "Write"].map(|name| format!("std::io::{name}")).into()
        }
        (None, Some(name)) => vec![format!("std::io::{name}")],
        (None, None) => Vec::new(),
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
            "std::process::exit std::thread::spawn tokio include! #[path] unsafe std::io::BufRead std::panic::Location"
                .split(' ')
                .chain(["impl PartialEq"])
                .map(forbid)
                .collect();
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
            "fn f() { g!({ use std::{process as p}; p::exit(0) }) }",
            "#[cfg(test)] mod tests {} fn f() { std::process::exit(0) }",
        ] {
            assert_eq!(refused(text), ["1:std::process::exit"], "{text}");
        }
        let texts = ["pub use std::thread as t;", "fn f() { crate::a::t::spawn(g) }"];
        assert_eq!(refused_in(&texts), ["1:std::thread::spawn"]);
        for text in [
            "use core::include as i; i!(\"x\");",
            "use std::prelude::v1::include as i; i!(\"x\");",
            "mod m { pub use core::prelude::rust_2024::include as i; } m::i!(\"x\");",
        ] {
            assert_eq!(refused(text), ["1:include!"], "{text}");
        }
        let many: String = (0..100).map(|n| format!("use m{n}::a as a;\n")).collect();
        let many = refused(&format!("fn f() {{ a::b() }}\n{many}"));
        assert_eq!(many[0], "1:a::b");
        assert_eq!(refused(&"unsafe {}\n".repeat(100)).len(), 0, "this is no Rust");
        assert_eq!(refused(&"unsafe fn f() {}\n".repeat(100)).len(), REFUSALS_MAX);
        // Names that lead in a circle end.
        assert_eq!(refused("use a::b; use b::a; fn f() { a::b::a::b() }"), [""; 0]);
        assert_eq!(refused("\nuse tokio::net::TcpStream;"), ["2:tokio"]);
        assert_eq!(refused("fn f() { unsafe { g() } }"), ["1:unsafe"]);
        for text in [
            "#[path = \"/x.rs\"] mod m;",
            "#[r#path = \"/x.rs\"] mod m;",
            "mod m { #![path = \"/x\"] }",
        ] {
            assert_eq!(refused(text), ["1:#[path]"], "{text}");
        }
        for text in [
            "impl PartialEq for T { }",
            "impl<'a, T: Fn() -> U> ::std::cmp::PartialEq<&'a T> for U<T> where T: A { }",
            "use core::cmp::PartialEq as E; impl E<u8> for T { }",
            "fn f() { g!({ impl PartialEq for T { } }) }",
        ] {
            assert_eq!(refused(text), ["1:impl PartialEq"], "{text}");
        }
        assert_eq!(refused("use std::io::prelude::*;"), ["1:std::io::BufRead"]);
        assert_eq!(refused("use std::io::prelude::BufRead;"), ["1:std::io::BufRead"]);
        assert_eq!(refused("use core::panic::Location;"), ["1:std::panic::Location"]);
        assert_eq!(refused("const T: &str = include!(\"x\");"), ["1:include!"]);
    }

    #[test]
    fn what_only_looks_like_it_is_let_be() {
        for text in [
            "use std::thread; fn f() { thread::sleep(x); self.spawn() }",
            "// std::process::exit\nfn f() { \"unsafe tokio\"; }",
            "fn include() { if a != b {} }",
            "fn f(path: P) { vec![path]; assert!(path.exists()); g(&[path]) }",
            "#[derive(PartialEq)] struct S; impl Other<PartialEq> for S {}",
            "fn f<'a>(a: impl PartialEq, b: for<'b> fn(&'b T)) -> impl PartialEq + use<'a> { g(); }",
            "use std::io::prelude::Read;",
            "/// `unsafe` std::process::exit\nfn f() {}",
            "fn exit() { exit() }",
            "#[cfg(test)]\nmod tests { fn f() { std::process::exit(0) } }",
        ] {
            assert!(refused(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_is_no_rust_here_is_named_in_case_it_is_some_elsewhere() {
        let said = |text: &str| unreadable("f.rs", text).map(|refusal| refusal.to_string());
        assert_eq!(said("fn f() {}"), None);
        let reason = "is refused: the grader cannot read it, and runs nothing that it has not read";
        assert_eq!(said("#!/x '(\nfn f() {}").unwrap(), format!("f.rs:1: `#!/x '(` {reason}"));
        assert_eq!(
            said("\u{feff}#!/x \"\nfn f() {} //\"").unwrap(),
            format!("f.rs:1: `\u{feff}#!/x \"` {reason}")
        );
        assert_eq!(said("#![allow(x)]\nfn f() {}"), None);
        assert_eq!(
            said("\n  fn f() { fn }").unwrap(),
            format!("f.rs:2: `fn f() {{ fn }}` {reason}")
        );
    }
}
