use std::path::Path;
use std::process::Command;

/// A layer with one choice of selector: what a scenario is played against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// What it is called in messages.
    pub title: &'static str,
    /// What its layer is called in the table, where the selectors share a column.
    pub heading: &'static str,
    /// The layer's name on the command line of `stage`.
    pub layer: &'static str,
    /// The selector, on layers that have one.
    pub selector: Option<&'static str>,
}

/// Everything that scenarios are played against, from the lowest layer up.
pub const COLUMNS: [Column; 10] = [
    Column::new("01 blocking", "01 blocking", "blocking", None),
    Column::new("02 busy-poll", "02 busy-poll", "busy-poll", None),
    Column::new("03 selector over mio", "03 selector", "selector", Some("mio")),
    Column::new("03 selector over polling", "03 selector", "selector", Some("polling")),
    Column::new("04 event loop over mio", "04 event loop", "sock", Some("mio")),
    Column::new("04 event loop over polling", "04 event loop", "sock", Some("polling")),
    Column::new("05 transports over mio", "05 transports", "proto", Some("mio")),
    Column::new("05 transports over polling", "05 transports", "proto", Some("polling")),
    Column::new("06 streams over mio", "06 streams", "stream", Some("mio")),
    Column::new("06 streams over polling", "06 streams", "stream", Some("polling")),
];

impl Column {
    const fn new(
        title: &'static str,
        heading: &'static str,
        layer: &'static str,
        selector: Option<&'static str>,
    ) -> Column {
        Column { title, heading, layer, selector }
    }

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
