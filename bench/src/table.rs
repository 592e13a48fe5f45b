use std::fmt;

/// A table in Markdown, with its columns aligned for those who read it as text. The first column is text, the
/// others are figures.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new<T: Into<String>>(head: impl IntoIterator<Item = T>) -> Table {
        Table { rows: vec![head.into_iter().map(Into::into).collect()] }
    }

    /// Adds a row, which must be as long as the head.
    ///
    /// # Panics
    ///
    /// If it is not.
    pub fn row<T: Into<String>>(&mut self, row: impl IntoIterator<Item = T>) {
        let row: Vec<String> = row.into_iter().map(Into::into).collect();
        assert_eq!(row.len(), self.rows[0].len(), "a row is as long as the head");
        self.rows.push(row);
    }

    fn width(&self, column: usize) -> usize {
        self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(3)
    }

    fn write_row(&self, f: &mut fmt::Formatter<'_>, row: &[String]) -> fmt::Result {
        for (column, cell) in row.iter().enumerate() {
            let width = self.width(column);
            if column == 0 {
                write!(f, "| {cell:<width$} |")?;
            } else {
                write!(f, " {cell:>width$} |")?;
            }
        }
        writeln!(f)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = |column| match column {
            0 => "-".repeat(self.width(0)),
            _ => "-".repeat(self.width(column) - 1) + ":",
        };
        self.write_row(f, &self.rows[0])?;
        self.write_row(f, &(0..self.rows[0].len()).map(rule).collect::<Vec<_>>())?;
        self.rows[1..].iter().try_for_each(|row| self.write_row(f, row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_markdown_and_aligned() {
        let mut table = Table::new(["server", "calls"]);
        table.row(["raw epoll", "3.00"]);
        let expected = "| server    | calls |\n| --------- | ----: |\n| raw epoll |  3.00 |\n";
        assert_eq!(table.to_string(), expected);
    }
}
