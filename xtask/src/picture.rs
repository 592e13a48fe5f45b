//! `{{#picture NAME | caption}}`: a drawing that becomes part of its page, so that it follows the page's theme.

use anyhow::{Result, bail};
use mdbook_markdown::pulldown_cmark::{Parser, html};

use crate::html::Page;
use crate::snap;
use crate::workspace::Workspace;

/// The figure with the drawing `book/src/pictures/NAME.svg` and, if there is one, the caption (Markdown in one line).
///
/// # Errors
/// If there is no such drawing, if it has no text alternative, or if it holds a script or a reference to another file.
pub(crate) fn figure(workspace: &Workspace, argument: &str) -> Result<String> {
    let (name, caption) = argument.split_once('|').unwrap_or((argument, ""));
    let (name, caption) = (name.trim(), caption.trim());
    let text = snap::read("picture", &workspace.book().join("src/pictures"), name, "svg")?;
    let (Some(start), Some(end)) = (text.find("<svg"), text.rfind("</svg>")) else {
        bail!("picture `{name}` has no <svg> element");
    };
    // Markdown would end the HTML block at a blank line.
    let svg: Vec<&str> = text[start..end].lines().filter(|line| !line.trim().is_empty()).collect();
    let svg = format!("{}</svg>", svg.join("\n"));
    if let Some(fault) = fault(&Page::parse(&svg)) {
        bail!("picture `{name}` {fault}");
    }
    let caption = if caption.is_empty() {
        String::new()
    } else {
        format!("\n<figcaption>{}</figcaption>", inline(caption))
    };
    Ok(format!("<figure class=\"picture\">\n{svg}{caption}\n</figure>\n"))
}

/// What keeps the drawing out of a page.
fn fault(svg: &Page) -> Option<String> {
    for element in &svg.elements {
        if element.name == "script"
            || element.attributes.iter().any(|(name, _)| name.starts_with("on"))
        {
            return Some("holds a script".to_owned());
        }
        let mut targets = element.references().chain(element.style_references());
        if targets.any(|target| !target.starts_with('#')) {
            return Some(format!("refers to another file in its <{}>", element.name));
        }
    }
    let root = svg.elements.first()?;
    if root.attribute("role") != Some("img") {
        return Some("is not marked role=\"img\"".to_owned());
    }
    let labels: Vec<&str> =
        root.attribute("aria-labelledby").unwrap_or_default().split_whitespace().collect();
    ["title", "desc"].into_iter().find_map(|part| {
        let element = svg
            .elements
            .iter()
            .find(|element| element.name == part && !element.text.trim().is_empty());
        let Some(element) = element else {
            return Some(format!("has no <{part}>, which is its text for those who do not see it"));
        };
        let labelled = element.attribute("id").is_some_and(|id| labels.contains(&id));
        (!labelled).then(|| format!("does not name the id of its <{part}> in aria-labelledby"))
    })
}

fn inline(markdown: &str) -> String {
    let mut text = String::new();
    html::push_html(&mut text, Parser::new(markdown));
    text.trim().trim_start_matches("<p>").trim_end_matches("</p>").to_owned()
}
