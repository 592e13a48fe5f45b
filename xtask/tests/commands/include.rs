//! Each form of an include gives exactly the text it promises, over the protocol that mdbook speaks.

use crate::fixture::Fixture;

/// The code of the only listing that `{{#item argument}}` makes, and its caption.
fn listing(argument: &str) -> (String, String) {
    let page = Fixture::new()
        .expand("item", &format!("above\n\n{{{{#item {argument}}}}}\n\nbelow\n"))
        .unwrap();
    let block =
        page.strip_prefix("above\n\n```rust\n").unwrap().strip_suffix("\n\n\nbelow\n").unwrap();
    let (code, caption) = block.split_once("\n```\n\n").unwrap();
    let caption = caption
        .strip_prefix("<p class=\"listing\">chapters/03-selector/")
        .unwrap()
        .strip_suffix("</p>")
        .unwrap();
    (code.to_owned(), caption.to_owned())
}

fn code(argument: &str) -> String {
    listing(argument).0
}

/// What the preprocessor says of a page with this one line.
fn fault(line: &str) -> String {
    Fixture::new().expand("item", &format!("one\n\n{line}\n")).unwrap_err()
}

#[test]
fn a_type_comes_with_its_comments_and_its_place() {
    let (code, caption) = listing("chapter_03::selector::Selector");
    assert_eq!(
        code,
        "// One thread waits; another may wake it.\n/// Waits for sources.\npub struct Selector<S> {\n    /// Who is watched.\n    \
         sources: Vec<S>,\n}"
    );
    assert_eq!(caption, "src/selector.rs, line 14");
}

#[test]
fn nodoc_takes_the_doc_comments_and_leaves_the_attributes() {
    let (code, caption) = listing("chapter_03::selector::Token nodoc");
    assert_eq!(
        code,
        "#[derive(Clone, Copy)]\npub struct Token {\n    pub index: usize, // below 2^32\n}"
    );
    assert_eq!(caption, "src/selector.rs, line 6");
}

#[test]
fn a_method_is_dedented() {
    assert_eq!(
        code("chapter_03::selector::Selector::count"),
        "// Counts once.\n/// How many.\n#[must_use]\nfn count(&self) -> usize {\n    self.sources.len()\n}"
    );
    assert_eq!(
        code("chapter_03::selector::Selector::drop"),
        "fn drop(&mut self) {\n    self.clear();\n}"
    );
}

#[test]
fn a_trait_tells_methods_of_one_name_apart() {
    let fault = fault("{{#item chapter_03::selector::Token::fmt}}");
    let said = "book/src/page.md:3: chapters/03-selector/src/selector.rs has more than one `Token::fmt`: \
                `<Token as Display>::fmt` at line 45, `<Token as fmt::Debug>::fmt` at line 51";
    assert_eq!(fault.trim_end(), said);
    for spelling in ["Debug", "fmt::Debug"] {
        let code = code(&format!("chapter_03::selector::<Token as {spelling}>::fmt signature"));
        assert_eq!(code, "fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result { … }");
    }
}

#[test]
fn impls_of_one_type_are_told_apart_by_their_whole_headers() {
    let fixture = Fixture::new();
    fixture.edit(
        "chapters/03-selector/src/selector.rs",
        "#[cfg(test)]",
        "impl<S: Clone> Selector<S> {}\n\n#[cfg(test)]",
    );
    let fault =
        fixture.expand("item", "{{#item chapter_03::selector::impl Selector}}").unwrap_err();
    assert!(
        fault.contains("`impl<S> Selector<S>` at line 19, `impl<S: Clone> Selector<S>` at line 70"),
        "{fault}"
    );
    let page = fixture
        .expand("item", "{{#item chapter_03::selector::impl<S: Clone> Selector<S>}}")
        .unwrap();
    assert!(page.starts_with("```rust\nimpl<S: Clone> Selector<S> {}\n```"), "{page}");
}

#[test]
fn a_signature_of_an_impl_shows_its_public_methods_without_bodies() {
    assert_eq!(
        code("chapter_03::selector::impl Selector signature"),
        "impl<S> Selector<S> {\n    /// Watches nobody.\n    pub fn new() -> Self { … }\n\n    /// Forgets all of them.\n    \
         pub fn clear(&mut self) { … }\n}"
    );
    assert_eq!(
        code("chapter_03::selector::impl Drop for Selector signature nodoc"),
        "impl<S> Drop for Selector<S> {\n    fn drop(&mut self) { … }\n}"
    );
    assert!(
        code("chapter_03::selector::impl Selector")
            .contains("    fn count(&self) -> usize {\n        self.sources.len()")
    );
}

#[test]
fn a_signature_of_a_trait_keeps_its_required_methods() {
    assert_eq!(
        code("chapter_03::selector::Source nodoc signature"),
        "pub trait Source {\n    fn token(&self) -> Token;\n\n    fn is_first(&self) -> bool { … }\n}"
    );
    assert_eq!(code("chapter_03::selector::Source::token nodoc"), "fn token(&self) -> Token;");
}

#[test]
fn constants_macros_and_tests_are_items_too() {
    assert_eq!(code("chapter_03::selector::EVENTS_MAX nodoc"), "pub const EVENTS_MAX: usize = 64;");
    let (macro_code, caption) = listing("chapter_03::nobody nodoc");
    assert_eq!(
        macro_code,
        "#[macro_export]\nmacro_rules! nobody {\n    () => {\n        \"nobody\"\n    };\n}"
    );
    assert_eq!(caption, "src/lib.rs, line 6");
    assert_eq!(
        code("chapter_03::selector::tests::a_new_selector_is_empty nodoc"),
        "#[test]\nfn a_new_selector_is_empty() {\n    assert_eq!(Selector::<u8>::new().count(), 0);\n}"
    );
}

#[test]
fn programs_examples_and_whole_files_have_paths() {
    assert_eq!(
        code("chapter_03::main::main"),
        "fn main() {\n    println!(\"{}\", chapter_03::nobody!());\n}"
    );
    assert_eq!(code("chapter_03::main"), code("chapter_03::main::main"));
    assert!(code("chapter_03::lib nodoc").starts_with("pub mod selector;\n\n#[macro_export]\n"));
    assert!(code("chapter_03::selector").starts_with("//! The selector.\n\nuse std::fmt"));
    let (example, caption) = listing("chapter_03::examples::wait::main");
    // mdbook would hide a line of `# waits`, and takes one `#` of two away again.
    assert_eq!(example, "fn main() {\n    println!(\n        r\"\n## waits\n### long\"\n    );\n}");
    assert_eq!(caption, "examples/wait.rs, line 1");
}

#[test]
fn an_item_in_a_list_is_indented_with_it() {
    let page = Fixture::new()
        .expand("item", "- one\n\n  {{#item chapter_03::selector::EVENTS_MAX nodoc}}\n")
        .unwrap();
    assert!(
        page.starts_with("- one\n\n  ```rust\n  pub const EVENTS_MAX: usize = 64;\n  ```\n\n  <p"),
        "{page}"
    );
}

#[test]
fn each_preprocessor_replaces_its_own_and_the_last_one_unescapes() {
    let fixture = Fixture::new();
    let page = "```text\n{{#snap stall}}\n```\n{{#item chapter_03::selector::EVENTS_MAX}}\n`\\{{#snap x}}`\n";
    let half = fixture.expand("snap", page).unwrap();
    assert_eq!(half, page.replace("{{#snap stall}}", "client-1: hello\n\n  client-2: waits"));
    let whole = fixture.expand("item", &half).unwrap();
    assert!(whole.ends_with("line 68</p>\n\n`{{#snap x}}`\n"), "{whole}");
}

#[test]
fn a_renamed_item_is_named_with_its_page_line_and_near_names() {
    for (path, said) in [
        (
            "chapter_03::selector::Selctor",
            "chapters/03-selector/src/selector.rs has no `Selctor`; near: Selector",
        ),
        (
            "chapter_03::selector::Selector::clean",
            "src/selector.rs has no `Selector::clean`; near: Selector::clear",
        ),
        ("chapter_03::selectr::Selector", "src/lib.rs has no `selectr::Selector`; near: selector"),
        ("chapter_03::examples::wiat", "`chapter_03` has no example `wiat`; near: wait"),
        ("chapter_30::selector", "no package is called `chapter_30`; near: chapter_03"),
    ] {
        let fault = fault(&format!("{{{{#item {path}}}}}"));
        assert!(fault.starts_with("book/src/page.md:3: ") && fault.contains(said), "{fault}");
    }
}

#[test]
fn every_other_include_that_finds_nothing_says_so() {
    for (line, said) in [
        ("{{#snap stal}}", "no snapshot `stal`; near: stall"),
        ("{{#measured costs}}", "no measurement `costs`; near: cost"),
        ("{{#picture stall2 | A stall}}", "no picture `stall2`; near: stall"),
        ("{{#rules SX}}", "no group `SX`; near: SE"),
        ("{{#include a.rs}}", "no include is called `include`"),
        ("see {{#snap stall}}", "`{{#` is left over"),
        ("{{#snap stall", "`{{#` is left over"),
        ("```rust\n{{#item chapter_03::selector::Token}}\n```", "`item` brings its own markup"),
    ] {
        let fault = fault(line);
        assert!(fault.starts_with("book/src/page.md:") && fault.contains(said), "{line}: {fault}");
    }
}

#[test]
fn a_snapshot_cannot_end_the_fence_around_it() {
    let fixture = Fixture::new();
    fixture.write("tests/snapshots/fence.snap", "---\nsource: a\n---\n```\ninner\n```\n");
    let fault = fixture.expand("snap", "```text\n{{#snap fence}}\n```\n").unwrap_err();
    assert!(
        fault.starts_with("book/src/page.md:2: ")
            && fault.contains("make the fence around it longer"),
        "{fault}"
    );
    let page = fixture.expand("snap", "````text\n{{#snap fence}}\n````\n").unwrap();
    assert_eq!(page, "````text\n```\ninner\n```\n````\n");
}

#[test]
fn a_picture_becomes_a_figure_without_blank_lines() {
    let page = Fixture::new().expand("snap", "{{#picture stall | It `waits`.}}\n").unwrap();
    assert!(page.starts_with("<figure class=\"picture\">\n<svg xmlns"), "{page}");
    assert!(
        page.ends_with("</svg>\n<figcaption>It <code>waits</code>.</figcaption>\n</figure>\n\n"),
        "{page}"
    );
    assert!(!page.trim_end().contains("\n\n"), "{page}");
}

#[test]
fn a_picture_needs_its_text_and_nothing_from_elsewhere() {
    for (from, to, said) in [
        (
            "<desc id=\"stall-desc\">The second client waits for the first.</desc>",
            "",
            "has no <desc>",
        ),
        ("The stall</title>", "</title>", "has no <title>"),
        (" stall-desc\"", "\"", "does not name the id of its <desc>"),
        ("role=\"img\"", "", "is not marked role=\"img\""),
        ("<defs>", "<script>1</script><defs>", "holds a script"),
        (
            "<defs>",
            "<image href=\"https://example.org/a.png\"/><defs>",
            "refers to another file in its <image>",
        ),
        (
            "<defs>",
            "<style>@import 'a.css';</style><defs>",
            "refers to another file in its <style>",
        ),
        ("url(#stall-head)", "url(other.svg#a)", "refers to another file in its <path>"),
    ] {
        let fixture = Fixture::new();
        fixture.edit("book/src/pictures/stall.svg", from, to);
        let fault = fixture.expand("snap", "{{#picture stall}}").unwrap_err();
        assert!(fault.contains(&format!("book/src/page.md:1: picture `stall` {said}")), "{fault}");
    }
}

#[test]
fn the_preprocessors_are_for_html_alone() {
    let fixture = Fixture::new();
    for preprocessor in ["item", "snap"] {
        assert_eq!(fixture.run(&["book", preprocessor, "supports", "html"]), Ok(String::new()));
        let refused = fixture.run(&["book", preprocessor, "supports", "latex"]);
        assert_eq!(refused, Err(format!("`book {preprocessor}` is for html, not for latex\n")));
    }
}
