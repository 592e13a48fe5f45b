//! The contract's rules against the tests that cite them.

use crate::fixture::Fixture;

const SELECTOR: &str = "chapters/03-selector/src/selector.rs";

#[test]
fn cited_rules_are_listed_with_their_tests() {
    let said = Fixture::new().run(&["contract"]).unwrap();
    assert_eq!(
        said,
        "SE selector, chapters 03\n  SE-01 C\n      chapter_03::selector::tests::a_new_selector_is_empty\n\n\
         LP loop, chapters 04 (not finished)\n  LP-01 C: no test\n\n"
    );
    let table = Fixture::new().run(&["contract", "--markdown"]).unwrap();
    assert!(table.contains("| SE-02 | E | All of them by one call. |  |"), "{table}");
}

#[test]
fn a_core_rule_of_a_finished_group_needs_a_test() {
    let said = "tests/CONTRACT.md:11: no test cites SE-01: A registered source is reported.\n";
    let fixture = Fixture::new();
    fixture.edit(SELECTOR, " (SE-01)", "");
    assert_eq!(fixture.run(&["contract"]).unwrap_err(), said);

    let ignored = Fixture::new();
    ignored.edit(SELECTOR, "    #[test]\n", "    #[test]\n    #[ignore]\n");
    assert_eq!(ignored.run(&["contract"]).unwrap_err(), said);

    let no_test = Fixture::new();
    no_test.edit(SELECTOR, "    #[test]\n", "");
    assert_eq!(no_test.run(&["contract"]).unwrap_err(), said);
}

#[test]
fn a_citation_of_no_rule_fails() {
    let fixture = Fixture::new();
    fixture.edit(SELECTOR, "(SE-01)", "(SE-01, SE-07)");
    let said = fixture.run(&["contract"]).unwrap_err();
    let expected = "chapters/03-selector/src/selector.rs:74: chapter_03::selector::tests::a_new_selector_is_empty cites SE-07, \
                    which is no rule; near: SE-01, SE-02";
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn a_group_is_finished_only_with_its_chapters() {
    let fixture = Fixture::new();
    fixture.edit("tests/CONTRACT.md", "finished: SE", "finished: SE LP");
    let said = fixture.run(&["contract"]).unwrap_err();
    assert!(
        said.contains("tests/CONTRACT.md: LP is called finished without chapter 04\n"),
        "{said}"
    );
    assert!(said.contains("no test cites LP-01"), "{said}");
}

#[test]
fn a_broken_contract_is_refused_with_its_line() {
    for (from, to, said) in [
        ("| SE-02 |", "| SE-01 |", "tests/CONTRACT.md:12: SE-01 stands twice"),
        ("| C | P |", "| Q | P |", "tests/CONTRACT.md:11: `Q` is no tier"),
        ("| C | P |", "| C |", "tests/CONTRACT.md:11: a rule has four cells"),
        ("| SE-02 |", "| LP-02 |", "tests/CONTRACT.md:12: a row that is no rule of SE"),
        (
            "finished: SE",
            "finished: SX",
            "tests/CONTRACT.md: the finished group `SX` does not exist",
        ),
    ] {
        let fixture = Fixture::new();
        fixture.edit("tests/CONTRACT.md", from, to);
        let fault = fixture.run(&["contract"]).unwrap_err();
        assert!(fault.contains(said), "{fault}");
    }
}
