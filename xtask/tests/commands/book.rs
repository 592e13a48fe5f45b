//! What keeps a book from being built, and what a built one is like.

use std::fs;

use mdbook_driver::MDBook;

use crate::fixture::Fixture;

/// Breaks the book with `spoil` and expects exactly the one fault `said`.
fn fails_with(said: &str, spoil: impl FnOnce(&Fixture)) {
    let fixture = Fixture::new();
    spoil(&fixture);
    assert_eq!(fixture.build().unwrap_err().trim_end(), said);
}

fn appended(fixture: &Fixture, text: &str) {
    let page = fs::read_to_string(fixture.path("book/src/introduction.md")).unwrap();
    fixture.write("book/src/introduction.md", &format!("{page}\n{text}\n"));
}

#[test]
fn a_whole_book_is_built_without_the_declared_commands() {
    let fixture = Fixture::new();
    fixture.build().unwrap();
    let page = fs::read_to_string(fixture.path("out/selector.html")).unwrap();
    for part in [
        "<code class=\"language-rust\">// One thread waits",
        "chapters/03-selector/src/selector.rs, line 14</p>",
        "<code class=\"language-text\">client-1: hello\n\n  client-2: waits\n</code>",
        "<title id=\"stall-title\">The stall</title>",
        "<figcaption>The second client <em>waits</em>.</figcaption>",
        "<td>3.00</td>",
        "<code>chapter_03::selector::tests::a_new_selector_is_empty</code>",
    ] {
        assert!(page.contains(part), "no {part}");
    }
    // A second build replaces the first.
    fixture.build().unwrap();
}

#[test]
fn a_stock_mdbook_gives_the_same_pages() {
    let fixture = Fixture::new();
    fixture.build().unwrap();
    let ours = fs::read_to_string(fixture.path("out/selector.html")).unwrap();
    fixture.edit(
        "book/book.toml",
        "no-such-command",
        concat!(env!("CARGO_BIN_EXE_xtask"), " book"),
    );
    MDBook::load(fixture.path("book")).unwrap().build().unwrap();
    assert_eq!(fs::read_to_string(fixture.path("book/book/selector.html")).unwrap(), ours);
}

#[test]
fn faults_are_reported_together_by_place() {
    let fixture = Fixture::new();
    appended(&fixture, "{{#snap stal}}\n\n{{#item chapter_03::selector::Selctor}}");
    let said = fixture.build().unwrap_err();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].starts_with("book/src/introduction.md:11: no snapshot `stal`"), "{said}");
    assert!(
        lines[1].starts_with(
            "book/src/introduction.md:13: chapters/03-selector/src/selector.rs has no"
        ),
        "{said}"
    );
}

#[test]
fn listings_and_output_are_not_typed_by_hand() {
    for language in ["rust", "rust,ignore", "text", "console"] {
        let name = language.split(',').next().unwrap();
        fails_with(
            &format!(
                "book/src/introduction.md:11: a block of `{name}` is typed by hand; take it from a source"
            ),
            |fixture| appended(fixture, &format!("```{language}\nlet x = 1;\n```")),
        );
    }
    fails_with(
        "book/src/introduction.md:11: a block of `text` is typed by hand; take it from a source",
        |fixture| {
            appended(fixture, "~~~text\nbefore\n{{#snap stall}}\n~~~");
        },
    );
}

#[test]
fn an_include_that_nobody_replaced_is_found_in_the_rendered_page() {
    let said = "book/src/introduction.md: `{{#` is left in the rendered page";
    let fixture = Fixture::new();
    // The page's source does not hold it: only a browser puts these together.
    appended(&fixture, "&#123;&#123;#snap stall}}");
    let fault = fixture.build().unwrap_err();
    assert!(fault.contains(&format!("{said} introduction.html")), "{fault}");
}

#[test]
fn links_lead_somewhere() {
    for (link, said) in [
        ("[a](selectr.md)", "`selectr.html` leads to no page or file"),
        ("[a](selector.md#two)", "`selector.html#two` leads to no heading or id of selector.html"),
        ("[a](#nowhere)", "`#nowhere` leads to no heading or id of introduction.html"),
        ("[a](../../Cargo.toml)", "`../../Cargo.toml` leads to no page or file"),
        ("[a](http:///b)", "`http:///b` is no valid address"),
        ("![a](pictures/stal.svg)", "`pictures/stal.svg` leads to no page or file"),
        (
            "![a](https://example.org/a.png)",
            "`https://example.org/a.png` would be loaded from outside of the book",
        ),
    ] {
        let fixture = Fixture::new();
        appended(&fixture, link);
        let fault = fixture.build().unwrap_err();
        assert!(fault.contains(&format!("book/src/introduction.md:11: {said}\n")), "{fault}");
    }
}

#[test]
fn references_and_footnotes_are_defined() {
    fails_with(
        "book/src/introduction.md:11: `[^2]` refers to a name that is defined nowhere on the page",
        |fixture| {
            appended(fixture, "Said before.[^2] And [brackets] are prose.");
        },
    );
    fails_with(
        "book/src/introduction.md:11: `[a][b]` refers to a name that is defined nowhere on the page",
        |fixture| {
            appended(fixture, "See [a][b].");
        },
    );
}

#[test]
fn the_summary_and_the_pages_agree() {
    let summary = "book/src/SUMMARY.md";
    fails_with(
        "book/src/SUMMARY.md:5: no page `selectr.md`; near: selector.md\nbook/src/selector.md: SUMMARY.md does not list this page",
        |fixture| {
            fixture.edit(summary, "selector.md", "selectr.md");
        },
    );
    fails_with("book/src/SUMMARY.md:6: a chapter without a page", |fixture| {
        fixture.edit(summary, "(selector.md)\n", "(selector.md)\n- [Loop]()\n");
    });
    fails_with("book/src/orphan.md: SUMMARY.md does not list this page", |fixture| {
        fixture.write("book/src/orphan.md", "# Orphan\n");
    });
}

#[test]
fn a_style_sheet_loads_nothing_from_elsewhere() {
    let fixture = Fixture::new();
    fixture.write(
        "book/theme/book.css",
        "@import 'https://example.org/a.css';\np { background: url(../a.png) }\n",
    );
    let fault = fixture.build().unwrap_err();
    assert!(
        fault.contains("`https://example.org/a.css` would be loaded from outside of the book"),
        "{fault}"
    );
    assert!(fault.contains("`../a.png` leads to no page or file"), "{fault}");
}

#[test]
fn a_playground_and_a_warning_of_mdbook_fail_the_build() {
    let fixture = Fixture::new();
    fixture.edit("book/book.toml", "runnable = false", "runnable = true");
    let fault = fixture.build().unwrap_err();
    assert!(fault.contains("selector.html: a block asks play.rust-lang.org"), "{fault}");

    let fixture = Fixture::new();
    appended(&fixture, "<div>\n\nnever closed");
    let fault = fixture.build().unwrap_err();
    assert!(fault.contains("mdbook: unclosed HTML tag `<div>`"), "{fault}");
}

#[test]
fn a_folder_with_something_else_is_not_emptied() {
    let fixture = Fixture::new();
    let fault = fixture.run(&["book", "build", "--dest", "tests"]).unwrap_err();
    assert!(fault.contains("tests holds something that is no book"), "{fault}");
    assert!(fixture.path("tests/CONTRACT.md").exists());
}

#[test]
fn a_snapshot_without_a_test_is_named() {
    let fixture = Fixture::new();
    fixture.write("tests/snapshots/stale.snap", "---\nsource: a\n---\nold\n");
    let owned = format!("{}\n", fixture.path("tests/src/../snapshots/stall.snap").display());
    fixture.write("references", &owned);
    let fault = fixture.run(&["book", "test", "--references", "references"]).unwrap_err();
    assert_eq!(fault, "tests/snapshots/stale.snap: no test compares this snapshot\n");

    fs::remove_file(fixture.path("tests/snapshots/stale.snap")).unwrap();
    assert_eq!(fixture.run(&["book", "test", "--references", "references"]), Ok(String::new()));
}

#[test]
fn without_a_list_the_tests_are_run_for_it() {
    let fixture = Fixture::new();
    // What insta does: it adds the path of each snapshot that it compares to the file.
    fixture.write(
        "tests/src/lib.rs",
        "#[test]\nfn compares() {\n    let list = std::env::var(\"INSTA_SNAPSHOT_REFERENCES_FILE\").unwrap();\n    \
         std::fs::write(list, concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/snapshots/stall.snap\\n\")).unwrap();\n}\n",
    );
    // The caller's target folder is locked or full of other things.
    let run = || {
        fixture
            .command(&["book", "test"])
            .env("CARGO_TARGET_DIR", fixture.path("target"))
            .output()
            .unwrap()
    };
    let output = run();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fixture.write("tests/src/lib.rs", "#[test]\nfn fails() {\n    panic!();\n}\n");
    assert!(!run().status.success());
}
