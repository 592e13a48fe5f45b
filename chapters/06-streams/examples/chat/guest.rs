//! One client, from its first line to its last: what its task does.

use crate::room::{Room, Seat};
use chapter_06::{ReadError, StreamReader, StreamWriter};
use std::io;
use std::rc::Rc;

/// How long a line may be, in bytes.
pub(crate) const LINE_MAX: usize = 1024;

/// Serves a client until it leaves.
///
/// Whatever fails here is the client's connection, and means that the client is gone. The others are
/// told by the seat when it is dropped, so there is nothing left to do about it.
pub(crate) async fn attend(room: Rc<Room>, reader: StreamReader, writer: StreamWriter) {
    let mut guest = Guest { reader, writer: Rc::new(writer) };
    let _ = guest.attend(&room).await;
}

struct Guest {
    reader: StreamReader,
    /// This task answers by it. While the client is a member, the room owns it as well.
    writer: Rc<StreamWriter>,
}

impl Guest {
    async fn attend(&mut self, room: &Rc<Room>) -> io::Result<()> {
        let Some(seat) = self.be_seated(room).await? else { return Ok(()) };
        while let Some(line) = self.next_line().await? {
            if let Err(mistake) = seat.say(&line) {
                self.answer(&mistake).await?;
            }
        }
        Ok(())
    }

    /// Asks for a name until there is one that will do. `None` if the client leaves before.
    async fn be_seated(&mut self, room: &Rc<Room>) -> io::Result<Option<Seat>> {
        self.answer("what is your name?").await?;
        while let Some(name) = self.next_line().await? {
            match room.join(&name, &self.writer) {
                Ok(seat) => return Ok(Some(seat)),
                Err(mistake) => self.answer(&mistake).await?,
            }
        }
        Ok(None)
    }

    /// The next line that is not too long, as text; `None` at the end of file.
    async fn next_line(&mut self) -> io::Result<Option<String>> {
        loop {
            match self.reader.lines().next().await {
                Ok(line) => return Ok(line.map(|line| printable(&line))),
                // Its rest is skipped, and the next line is a line again.
                Err(ReadError::LineTooLong { line_max }) => {
                    self.answer(&format!("too long: {line_max} bytes at most")).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Tells the client something, and waits while it does not read: it keeps nobody else.
    async fn answer(&self, text: &str) -> io::Result<()> {
        self.writer.write(format!("* {text}\n").as_bytes())?;
        Ok(self.writer.drain().await?)
    }
}

/// A line without its end, and without what would move the cursor of others: a carriage return in
/// mid-line could make it look like somebody else's.
fn printable(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end().replace(char::is_control, "?")
}
