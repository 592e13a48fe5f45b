//! A grade as JUnit XML, which most programs that show test results read: a suite for each task, a case for each check.
//!
//! A check that came to a `todo!` is a failure of the type `todo`, one that has a story a failure of the type `story`. What kept
//! the submission from being run is the error of a case `build`, in a suite of its own: without it, nothing but the checks' absence
//! would tell.

use anyhow::Result;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::grade::{CheckGrade, Grade, TaskGrade};
use super::manifest::Assignment;
use super::outcome::Outcome;
use super::report;
use super::reports::Graded;

/// Where the elements go.
type Xml = Writer<Vec<u8>>;

/// The report, with a line break at its end.
///
/// # Errors
/// None of which we know: it is written to memory.
pub(crate) fn text(graded: &Graded<'_>) -> Result<String> {
    let Graded { assignment, grade, .. } = *graded;
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let name = format!("{} {}", assignment.name, assignment.manifest.title);
    xml.create_element("testsuites")
        .with_attribute(("name", valid(&name).as_str()))
        .write_inner_content(|xml| {
            build(xml, assignment, grade)?;
            grade.tasks.iter().try_for_each(|task| suite(xml, assignment, task))
        })?;
    let mut text = String::from_utf8(xml.into_inner())?;
    text.push('\n');
    Ok(text)
}

/// The suite of what kept the submission from being run, if something did.
fn build(xml: &mut Xml, assignment: &Assignment, grade: &Grade) -> std::io::Result<()> {
    let refusals = grade.refusals.iter().map(|refusal| ("refused", refusal.to_string()));
    let errors = grade.errors.iter().map(|errors| ("does not compile", errors.clone()));
    let faults: Vec<(&str, String)> = refusals.chain(errors).collect();
    let Some((what, _)) = faults.first() else { return Ok(()) };
    let said: Vec<&str> = faults.iter().map(|(_, said)| said.as_str()).collect();
    counted(xml, "build", 1, 0, 1, |xml| {
        case(xml, &assignment.name, "build", |xml| told(xml, "error", what, what, &said.join("\n")))
    })
}

fn suite(xml: &mut Xml, assignment: &Assignment, grade: &TaskGrade) -> std::io::Result<()> {
    let task = grade.task(assignment);
    let class = format!("{}.task {}", assignment.name, task.id);
    let failures = grade.checks.iter().filter(|check| !check.outcome.passed()).count();
    let name = format!("{} {}", task.id, task.title);
    counted(xml, &name, grade.checks.len(), failures, 0, |xml| {
        grade.checks.iter().try_for_each(|check| check_case(xml, &class, &task.id, check))
    })
}

fn check_case(xml: &mut Xml, class: &str, task: &str, check: &CheckGrade) -> std::io::Result<()> {
    let text = report::check_text(task, check);
    case(xml, class, &report::full_sentence(check), |xml| match &check.outcome {
        Outcome::Passed => Ok(()),
        Outcome::NotWritten(id) => {
            told(xml, "failure", "todo", &format!("task {id} is not written"), &text)
        }
        Outcome::Failed(story) => told(xml, "failure", "story", &story.came, &text),
    })
}

/// A suite with its counts.
fn counted(
    xml: &mut Xml,
    name: &str,
    tests: usize,
    failures: usize,
    errors: usize,
    content: impl FnOnce(&mut Xml) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let name = valid(name);
    let [tests, failures, errors] = [tests, failures, errors].map(|count| count.to_string());
    let attributes =
        [("name", &name), ("tests", &tests), ("failures", &failures), ("errors", &errors)];
    xml.create_element("testsuite")
        .with_attributes(attributes.map(|(key, value)| (key, value.as_str())))
        .write_inner_content(content)?;
    Ok(())
}

fn case(
    xml: &mut Xml,
    class: &str,
    name: &str,
    content: impl FnOnce(&mut Xml) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let (class, name) = (valid(class), valid(name));
    xml.create_element("testcase")
        .with_attributes([("classname", class.as_str()), ("name", name.as_str())])
        .write_inner_content(content)?;
    Ok(())
}

/// A `failure` or an `error`.
fn told(
    xml: &mut Xml,
    element: &str,
    kind: &str,
    message: &str,
    text: &str,
) -> std::io::Result<()> {
    let message = valid(message);
    xml.create_element(element)
        .with_attributes([("type", kind), ("message", message.as_str())])
        .write_text_content(BytesText::new(&valid(text)))?;
    Ok(())
}

/// `text` without the characters that XML 1.0 has no way to write, not even escaped: a client may send such, and a story shows
/// what was sent.
fn valid(text: &str) -> String {
    let is_valid = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    text.chars().map(|c| if is_valid(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_write_is_replaced_and_the_rest_is_escaped() {
        let mut xml = Writer::new(Vec::new());
        told(&mut xml, "failure", "story", "a \"<b>\" & \u{1b}", "1 < 2\u{0}").unwrap();
        let text = String::from_utf8(xml.into_inner()).unwrap();
        assert_eq!(
            text,
            "<failure type=\"story\" message=\"a &quot;&lt;b&gt;&quot; &amp; \u{FFFD}\">1 &lt; 2\u{FFFD}</failure>"
        );
    }
}
