use std::path::Path;
use std::process::Command;

/// A layer with one choice of selector: what a scenario is played against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// What it is called in the table.
    pub title: &'static str,
    /// The layer's name on the command line of `stage`.
    pub layer: &'static str,
    /// The selector, on layers that have one.
    pub selector: Option<&'static str>,
}

/// Everything that scenarios are played against, from the lowest layer up.
pub const COLUMNS: [Column; 6] = [
    Column { title: "01 blocking", layer: "blocking", selector: None },
    Column { title: "02 busy-poll", layer: "busy-poll", selector: None },
    Column { title: "03 selector over mio", layer: "selector", selector: Some("mio") },
    Column { title: "03 selector over polling", layer: "selector", selector: Some("polling") },
    Column { title: "04 event loop, mio", layer: "sock", selector: Some("mio") },
    Column { title: "04 event loop, polling", layer: "sock", selector: Some("polling") },
];

impl Column {
    /// `stage` in one of its roles on this layer.
    pub fn stage(&self, stage: &Path, role: &str) -> Command {
        let mut command = Command::new(stage);
        command.args([role, "--layer", self.layer]);
        if let Some(selector) = self.selector {
            command.args(["--selector", selector]);
        }
        command
    }
}
