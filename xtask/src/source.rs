//! From a path such as `chapter_03::selector::Selector` to the file that holds it.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Meta, MetaNameValue};

use crate::near;
use crate::workspace::{Package, Workspace};

/// A parsed source file.
pub(crate) struct Source {
    pub(crate) file: PathBuf,
    pub(crate) text: String,
    pub(crate) syntax: syn::File,
}

impl Source {
    /// Reads and parses `file`.
    ///
    /// # Errors
    /// If it cannot be read or is no valid Rust.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        let syntax = syn::parse_file(&text)
            .with_context(|| format!("{} is no valid Rust", file.display()))?;
        Ok(Self { file: file.to_path_buf(), text, syntax })
    }

    /// The names of the modules that have a file of their own.
    pub(crate) fn file_modules(&self) -> impl Iterator<Item = String> {
        self.module_lines().map(|module| module.ident.to_string())
    }

    /// The file of the module `name`, declared here; `folder` is where this file's modules lie.
    pub(crate) fn module_file(&self, folder: &Path, name: &str) -> Option<PathBuf> {
        let module = self.module_lines().find(|module| module.ident == name)?;
        let elsewhere = module
            .attrs
            .iter()
            .find_map(|attribute| string_value(attribute, "path"))
            .map(|path| self.file.with_file_name(path));
        let usual = [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")];
        elsewhere.into_iter().chain(usual).find(|file| file.is_file())
    }

    fn module_lines(&self) -> impl Iterator<Item = &ItemMod> {
        self.syntax.items.iter().filter_map(|item| match item {
            Item::Mod(module) if module.content.is_none() => Some(module),
            _ => None,
        })
    }
}

/// `text` for an attribute `#[name = "text"]`.
pub(crate) fn string_value(attribute: &Attribute, name: &str) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(MetaNameValue {
            path,
            value: Expr::Lit(ExprLit { lit: Lit::Str(text), .. }),
            ..
        }) if path.is_ident(name) => Some(text.value()),
        _ => None,
    }
}

/// The file that `path` leads to, and what of `path` remains to be found in it; nothing remains of a path to a whole file.
///
/// # Errors
/// If there is no such package or target; the error names those whose names are near.
pub(crate) fn locate<'p>(workspace: &Workspace, path: &'p str) -> Result<(Rc<Source>, &'p str)> {
    let (name, rest) = split(path);
    let Some(package) = workspace.packages.iter().find(|package| package.crate_name == name) else {
        let names = workspace.packages.iter().map(|package| package.crate_name.as_str());
        bail!("no package is called `{name}`{}", near::hint(name, names));
    };
    let (root, mut rest) = target(package, rest)?;
    let mut source = workspace.source(&root)?;
    let mut folder = root.parent().map(Path::to_path_buf).unwrap_or_default();
    loop {
        let (module, inner) = split(rest);
        let Some(file) = source.module_file(&folder, module) else {
            return Ok((source, rest));
        };
        source = workspace.source(&file)?;
        folder.push(module);
        rest = inner;
    }
}

/// The root file that the front of `path` chooses: `lib`, `main`, `bin::NAME`, `examples::NAME`, `tests::NAME`, or else the
/// library, or else the program.
fn target<'p>(package: &Package, path: &'p str) -> Result<(PathBuf, &'p str)> {
    let (first, rest) = split(path);
    let of_kind =
        |kind: &'static str| package.targets.iter().filter(move |target| target.kind == kind);
    let named = |kind: &'static str, name: &str| {
        of_kind(kind).find(|target| target.name.replace('-', "_") == name)
    };
    let library = of_kind("lib").next();
    let program = of_kind("bin").find(|target| target.file.ends_with("src/main.rs"));
    let chosen = match first {
        "lib" => library.map(|target| (target, rest)),
        "main" => program.map(|target| (target, rest)),
        "bin" | "examples" | "tests" | "benches" => {
            let kind = match first {
                "bin" => "bin",
                "examples" => "example",
                "tests" => "test",
                _ => "bench",
            };
            let (name, inner) = split(rest);
            match named(kind, name) {
                Some(target) => Some((target, inner)),
                // A library may have a module of this name, as in `chapter_01::tests::name`.
                None if first == "tests" || first == "bin" => None,
                None => {
                    let names = of_kind(kind).map(|target| target.name.as_str());
                    bail!(
                        "`{}` has no {kind} `{name}`{}",
                        package.crate_name,
                        near::hint(name, names)
                    );
                }
            }
        }
        _ => None,
    };
    let (target, rest) = chosen
        .or_else(|| library.or(program).map(|target| (target, path)))
        .with_context(|| format!("`{}` has neither a library nor a program", package.crate_name))?;
    Ok((target.file.clone(), rest))
}

fn split(path: &str) -> (&str, &str) {
    path.split_once("::").unwrap_or((path, ""))
}

/// The number, from 1, of the line that `offset` lies in.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}
