//! Which checks students get where the others stay with the teacher: the first one of each task.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use proc_macro2::TokenTree;
use syn::Item;
use syn::spanned::Spanned;

use super::files::Files;
use super::splice::{Splice, spliced};
use crate::item::with_comments;

/// The file that lists the checks.
const LIST: &str = "graded/main.rs";

/// `graded` with the first check of each task, and how many others there were.
///
/// # Errors
/// If the checks are not listed by `grading::checks!`, or a module of them is missing.
pub(crate) fn public(graded: &Files) -> Result<(Files, usize)> {
    let mut files = graded.clone();
    let text = graded.get(LIST).with_context(|| format!("there is no {LIST}"))?;
    let syntax = syn::parse_file(text)?;
    let listed = syntax.items.iter().find_map(|item| match item {
        Item::Macro(call) if call.mac.path.segments.last()?.ident == "checks" => Some(&call.mac),
        _ => None,
    });
    let listed = listed.with_context(|| format!("{LIST} has no `grading::checks!`"))?;
    let mut hidden: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut kept = String::from("\n");
    for task in tasks(listed.tokens.clone().into_iter().collect()) {
        kept.push_str(&format!("    {}: {} {{ {} }}\n", task.id, task.module, task.checks[0]));
        hidden.entry(task.module).or_default().extend_from_slice(&task.checks[1..]);
    }
    let inner = listed.delimiter.span();
    let range = inner.open().byte_range().end..inner.close().byte_range().start;
    files.set(LIST, spliced(text, vec![Splice { range, text: kept }]));
    for (module, names) in &hidden {
        let path = format!("graded/{module}.rs");
        let text = graded.get(&path).with_context(|| format!("there is no {path}"))?;
        files.set(path, without(text, names)?);
    }
    Ok((files, hidden.values().map(Vec::len).sum()))
}

/// `"1.1": task_1 { a, b }`.
struct Listed {
    /// With its quotes.
    id: String,
    module: String,
    /// At least one, as the macro demands.
    checks: Vec<String>,
}

fn tasks(tokens: Vec<TokenTree>) -> Vec<Listed> {
    let mut tasks = Vec::new();
    for four in tokens.windows(4) {
        if let [TokenTree::Literal(id), _, TokenTree::Ident(module), TokenTree::Group(checks)] =
            four
        {
            let names = checks.stream().into_iter().filter_map(|token| match token {
                TokenTree::Ident(name) => Some(name.to_string()),
                _ => None,
            });
            let checks: Vec<String> = names.collect();
            if !checks.is_empty() {
                tasks.push(Listed { id: id.to_string(), module: module.to_string(), checks });
            }
        }
    }
    tasks
}

/// `text` without the functions `names` and what is said above them.
fn without(text: &str, names: &[String]) -> Result<String> {
    let mut splices = Vec::new();
    for item in syn::parse_file(text)?.items {
        if let Item::Fn(function) = &item
            && names.contains(&function.sig.ident.to_string())
        {
            let mut range = with_comments(text, item.span().byte_range(), true);
            let behind = text[range.end..].len() - text[range.end..].trim_start().len();
            range.end += behind;
            splices.push(Splice { range, text: String::new() });
        }
    }
    Ok(spliced(text, splices).trim_end().to_owned() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_keeps_its_first_check() {
        let mut graded = Files::default();
        graded.set(
            LIST,
            "mod task_1;\n\ngrading::checks! {\n    \"1.1\": task_1 {\n        a,\n        b,\n    }\n}\n",
        );
        graded.set(
            "graded/task_1.rs",
            "use x;\n\nfn a() {}\n\n// Why.\n/// What.\nfn b() {\n    help()\n}\n\nfn help() {}\n",
        );
        let (public, hidden) = public(&graded).unwrap();
        assert_eq!(hidden, 1);
        assert_eq!(
            public.get(LIST).unwrap(),
            "mod task_1;\n\ngrading::checks! {\n    \"1.1\": task_1 { a }\n}\n"
        );
        assert_eq!(
            public.get("graded/task_1.rs").unwrap(),
            "use x;\n\nfn a() {}\n\nfn help() {}\n"
        );
    }
}
