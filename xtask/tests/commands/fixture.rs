//! A small workspace with a book, copied for each test, so that the test can break it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use mdbook_preprocessor::PreprocessorContext;
use mdbook_preprocessor::book::{Book, BookItem, Chapter};
use mdbook_preprocessor::config::Config;
use tempfile::TempDir;

pub(crate) struct Fixture {
    folder: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/workspace"),
            folder.path(),
        );
        Self { folder }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::write(self.path(path), text).unwrap();
    }

    /// Replaces `from`, which must be there, in a file.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(path)).unwrap();
        assert!(text.contains(from), "{path} has no {from:?}");
        self.write(path, &text.replace(from, to));
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    /// What the command prints, or what it says when it fails.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String, String> {
        outcome(self.command(arguments).output().unwrap())
    }

    /// Builds the book into `out`.
    pub(crate) fn build(&self) -> Result<String, String> {
        self.run(&["book", "build", "--dest", "out"])
    }

    /// Sends a book with the page `text` to a preprocessor, as mdbook does, and gives the page that comes back.
    pub(crate) fn expand(&self, preprocessor: &str, text: &str) -> Result<String, String> {
        let context =
            PreprocessorContext::new(self.path("book"), Config::default(), "html".to_owned());
        let page = Chapter::new("Page", text.to_owned(), "page.md", Vec::new());
        let input =
            serde_json::to_string(&(context, Book::new_with_items(vec![BookItem::Chapter(page)])))
                .unwrap();
        let mut command = self.command(&["book", preprocessor]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let book: Book =
            serde_json::from_str(&outcome(child.wait_with_output().unwrap())?).unwrap();
        Ok(book.chapters().next().unwrap().content.clone())
    }
}

fn outcome(output: Output) -> Result<String, String> {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
