//! `{{#item PATH [nodoc] [signature]}}`: a piece of source code, found by its name.
//!
//! | path | shows |
//! |---|---|
//! | `chapter_03::selector::Selector` | a type, function, trait, constant, macro or inline module |
//! | `chapter_03::selector::Selector::select` | a method of an `impl` or of a trait |
//! | `chapter_03::selector::<Selector as Drop>::drop` | the same, where only the trait tells which |
//! | `chapter_03::selector::impl Drop for Selector` | a whole `impl` |
//! | `chapter_03::main::main` | something of the program |
//! | `chapter_01::examples::accept_once::main` | something of an example; likewise `tests::`, `bin::`, `benches::` |
//! | `chapter_03::selector`, `chapter_03::lib` | the whole file |

use std::ops::Range;

use anyhow::{Result, bail};
use syn::visit::Visit;

use crate::elide::{self, Elision};
use crate::names::{Entry, Piece, entries, normal};
use crate::near;
use crate::source::{Source, line_of, locate};
use crate::workspace::Workspace;

/// The item that `argument` names, as a fenced block with a caption that says where it stands.
///
/// # Errors
/// If nothing, or more than one thing, has that name; the error says what would do.
pub(crate) fn listing(workspace: &Workspace, argument: &str) -> Result<String> {
    let excerpt = excerpt(workspace, argument)?;
    let fence = "`".repeat(longest_run_of_backticks(&excerpt.code).max(2) + 1);
    let code = shown_by_mdbook(&excerpt.code);
    Ok(format!("{fence}rust\n{code}\n{fence}\n\n<p class=\"listing\">{}</p>\n", excerpt.place()))
}

/// The item that `argument` names, as a terminal shows it: where it stands, then its code.
///
/// # Errors
/// As [`listing`].
pub(crate) fn plain(workspace: &Workspace, argument: &str) -> Result<String> {
    let excerpt = excerpt(workspace, argument)?;
    Ok(format!("{}\n\n{}\n", excerpt.place(), excerpt.code))
}

/// Some lines of a file.
struct Excerpt {
    /// The file, as a reader names it.
    file: String,
    code: String,
    /// The number, from 1, of the line on which the item begins behind its documentation, whether that is shown or not: an item has
    /// one line, however it is shown.
    line: usize,
}

impl Excerpt {
    fn place(&self) -> String {
        format!("{}, line {}", self.file, self.line)
    }
}

fn options(argument: &str) -> Result<(&str, Elision)> {
    let mut elision = Elision::default();
    let mut path = argument;
    while let Some((rest, option)) = path.rsplit_once(char::is_whitespace) {
        match option {
            "nodoc" => elision.docs = true,
            "signature" => elision.bodies = true,
            _ => break,
        }
        path = rest.trim_end();
    }
    if path.is_empty() {
        bail!("`item` needs a path, such as `chapter_03::selector::Selector`");
    }
    Ok((path, elision))
}

fn excerpt(workspace: &Workspace, argument: &str) -> Result<Excerpt> {
    let (path, elision) = options(argument)?;
    let (source, name) = locate(workspace, path)?;
    let file = workspace.relative(&source.file);
    let text = &source.text;
    if name.is_empty() {
        let mut finder = elision.finder(text);
        finder.visit_file(&source.syntax);
        let (code, line) = cut(text, 0..text.len(), finder.edits);
        return Ok(Excerpt { file, code, line });
    }
    let piece = find(&source, &file, name)?;
    let shown = |elision: Elision| {
        let mut finder = elision.finder(text);
        piece.accept(&mut finder);
        cut(text, with_comments(text, piece.range(), !elision.docs), finder.edits)
    };
    let (code, _) = shown(elision);
    let (_, line) = shown(Elision { docs: true, ..elision });
    Ok(Excerpt { file, code, line })
}

/// What is called `name` in `source`, which messages call `file`.
///
/// # Errors
/// If nothing, or more than one thing, has that name; the error says what would do.
pub(crate) fn find<'s>(source: &'s Source, file: &str, name: &str) -> Result<Piece<'s>> {
    let entries = entries(&source.syntax, &source.text);
    let wanted = normal(name);
    let is_wanted =
        |entry: &&Entry<'_>| entry.spellings.iter().any(|spelling| normal(spelling) == wanted);
    let found: Vec<&Entry<'_>> = entries.iter().filter(is_wanted).collect();
    match found[..] {
        [entry] => Ok(entry.piece),
        [] => bail!("{}", missing(source, &entries, file, name)),
        _ => bail!("{}", ambiguous(&found, &source.text, file, name)),
    }
}

fn missing(source: &Source, entries: &[Entry<'_>], file: &str, name: &str) -> String {
    let modules: Vec<String> = source.file_modules().collect();
    let names =
        entries.iter().flat_map(|entry| &entry.spellings).chain(&modules).map(String::as_str);
    format!("{file} has no `{name}`{}", near::hint(name, names))
}

fn ambiguous(found: &[&Entry<'_>], text: &str, file: &str, name: &str) -> String {
    let place = |entry: &&Entry<'_>| {
        let exact = entry.spellings.last().map_or(name, String::as_str);
        format!("`{exact}` at line {}", line_of(text, entry.piece.range().start))
    };
    format!(
        "{file} has more than one `{name}`: {}",
        found.iter().map(place).collect::<Vec<_>>().join(", ")
    )
}

/// `range` with what belongs to it on its own lines: the comment lines right above, unless `above` is false, the blanks
/// before it and a comment behind it.
pub(crate) fn with_comments(text: &str, range: Range<usize>, above: bool) -> Range<usize> {
    let mut start = text[..range.start].rfind('\n').map_or(0, |end| end + 1);
    while above && start > 0 {
        let previous = text[..start - 1].rfind('\n').map_or(0, |end| end + 1);
        let line = text[previous..start].trim_start();
        if !line.starts_with("//") || line.starts_with("//!") {
            break;
        }
        start = previous;
    }
    let line_end = text[range.end..].find('\n').map_or(text.len(), |length| range.end + length);
    let behind = text[range.end..line_end].trim();
    start..if behind.is_empty() || behind.starts_with("//") { line_end } else { range.end }
}

/// The lines of `range` with `edits` done, and the number of the first of them.
fn cut(text: &str, range: Range<usize>, mut edits: Vec<elide::Edit>) -> (String, usize) {
    let edited = !edits.is_empty();
    edits.sort_by_key(|edit| edit.range.start);
    let (mut code, mut at) = (String::new(), range.start);
    let mut first = None;
    for edit in edits {
        // What lies inside an earlier edit, or above the item, is gone already.
        if edit.range.start < at {
            continue;
        }
        first = first.or_else(|| first_letter(text, at..edit.range.start));
        code.push_str(&text[at..edit.range.start]);
        code.push_str(edit.replacement);
        at = edit.range.end;
    }
    code.push_str(&text[at..range.end.max(at)]);
    let first = first.or_else(|| first_letter(text, at..range.end.max(at))).unwrap_or(range.start);
    let code = if edited { elide::tidy(&code) } else { code };
    (dedented(code.trim_start_matches('\n').trim_end()), line_of(text, first))
}

fn first_letter(text: &str, range: Range<usize>) -> Option<usize> {
    text[range.clone()].find(|c: char| !c.is_whitespace()).map(|offset| range.start + offset)
}

fn dedented(code: &str) -> String {
    let indent = code.len() - code.trim_start_matches(' ').len();
    let dedent = |line: &str| {
        let blanks = line.len() - line.trim_start_matches(' ').len();
        line[blanks.min(indent)..].to_owned()
    };
    code.split('\n').map(dedent).collect::<Vec<_>>().join("\n")
}

/// mdbook hides lines of Rust that start with `# ` and takes one `#` away from those that start with `##`.
fn shown_by_mdbook(code: &str) -> String {
    let escape = |line: &str| {
        let inner = line.trim_start();
        let hidden = inner
            .strip_prefix('#')
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '#']));
        let (blanks, _) = line.split_at(line.len() - inner.len());
        if hidden { format!("{blanks}#{inner}") } else { line.to_owned() }
    };
    code.split('\n').map(escape).collect::<Vec<_>>().join("\n")
}

fn longest_run_of_backticks(code: &str) -> usize {
    code.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
