//! The book shows what was measured: each table and chart follows from the committed file of results.

#![allow(clippy::unwrap_used, reason = "where a helper of a test fails, the test fails")]

use bench::{Results, report};
use std::collections::BTreeSet;
use std::fs;

#[test]
fn the_tables_and_charts_are_those_of_the_committed_results() {
    let results = Results::read(&Results::path()).unwrap();
    for page in report::pages(&results) {
        let committed = fs::read_to_string(page.path()).unwrap_or_default();
        let advice = "run `cargo run --release -p bench -- redraw`";
        assert!(committed == page.text, "{} is another one: {advice}", page.name);
    }
}

#[test]
fn no_table_is_left_over_from_an_earlier_bench() {
    let results = Results::read(&Results::path()).unwrap();
    let made: BTreeSet<_> = report::pages(&results).into_iter().map(|page| page.path()).collect();
    for entry in fs::read_dir(Results::path().parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        assert!(path == Results::path() || made.contains(&path), "who makes {}?", path.display());
    }
}

#[test]
fn results_can_be_written_and_read_again() {
    let results = Results::read(&Results::path()).unwrap();
    let copy = std::env::temp_dir().join(format!("bench-costs-{}.json", std::process::id()));
    results.write(&copy).unwrap();
    let read = Results::read(&copy);
    fs::remove_file(&copy).unwrap();
    assert_eq!(read.unwrap(), results);
    assert!(Results::read(&copy).is_err());
}
