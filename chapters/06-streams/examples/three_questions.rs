//! Asks three questions, of which two depend on the answers before: by callbacks, and through a
//! stream: `cargo run -p chapter-06 --example three_questions`.

use anyhow::{Result, ensure};
use chapter_01::LineBuffer;
use chapter_04::run;
use chapter_05::{BaseProtocol, CallbackResult, Protocol, Server, Transport, create_server};
use chapter_06::{StreamLimits, StreamReader, StreamWriter, open_connection, start_server};
use std::mem;
use std::process::ExitCode;
use std::rc::Rc;

fn main() -> ExitCode {
    chapter_01::exit_code("three_questions", start())
}

fn start() -> Result<()> {
    run(async {
        let by_callbacks = create_server(Interview::new, ("127.0.0.1", 0)).await?;
        let through_a_stream =
            start_server(interview, ("127.0.0.1", 0), StreamLimits::default()).await?;
        let conversation = converse(&by_callbacks).await?;
        ensure!(converse(&through_a_stream).await? == conversation, "the two are not the same");
        conversation.iter().for_each(|line| println!("{line}"));
        Ok(())
    })?
}

/// The callbacks: what comes between two of them has to stand in a field.
struct Interview {
    received: LineBuffer,
    asked: Asked,
}

/// The question that waits for its answer, and the answers before it.
enum Asked {
    Name,
    Town { name: String },
    Liking { name: String, town: String },
    Nothing,
}

impl Interview {
    fn new() -> Interview {
        Interview { received: LineBuffer::new(80), asked: Asked::Name }
    }

    fn answered(&mut self, transport: &dyn Transport, answer: String) -> CallbackResult {
        self.asked = match mem::replace(&mut self.asked, Asked::Nothing) {
            Asked::Name => {
                say(transport, &format!("Where does {answer} live?"))?;
                Asked::Town { name: answer }
            }
            Asked::Town { name } => {
                say(transport, &format!("Does {name} like {answer}?"))?;
                Asked::Liking { name, town: answer }
            }
            Asked::Liking { name, town } => {
                say(transport, &format!("{name} of {town}: {answer}"))?;
                transport.close();
                Asked::Nothing
            }
            Asked::Nothing => Asked::Nothing,
        };
        Ok(())
    }
}

impl BaseProtocol for Interview {
    fn connection_made(&mut self, transport: &Rc<dyn Transport>) -> CallbackResult {
        say(&**transport, "Who is it?")
    }
}

impl Protocol for Interview {
    fn data_received(&mut self, transport: &Rc<dyn Transport>, data: &[u8]) -> CallbackResult {
        self.received.push(data);
        while let Some(line) = self.received.next_line()? {
            let answer = text(line);
            self.answered(&**transport, answer)?;
        }
        Ok(())
    }
}

fn say(transport: &dyn Transport, line: &str) -> CallbackResult {
    Ok(transport.write(format!("{line}\r\n").as_bytes())?)
}

/// The stream: what comes between two awaits stands in a variable.
async fn interview(mut reader: StreamReader, writer: StreamWriter) -> Result<()> {
    let name = ask(&mut reader, &writer, "Who is it?").await?;
    let town = ask(&mut reader, &writer, &format!("Where does {name} live?")).await?;
    let liking = ask(&mut reader, &writer, &format!("Does {name} like {town}?")).await?;
    writer.write(format!("{name} of {town}: {liking}\r\n").as_bytes())?;
    Ok(writer.close().await?)
}

async fn ask(reader: &mut StreamReader, writer: &StreamWriter, question: &str) -> Result<String> {
    writer.write(format!("{question}\r\n").as_bytes())?;
    Ok(text(&reader.readuntil(b"\r\n").await?))
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end().to_owned()
}

/// A client who does not keep to the lines: the second answer comes in two pieces, and the rest of
/// it together with the third, before that was asked for.
async fn converse(server: &Server) -> Result<Vec<String>> {
    let (mut reader, writer) =
        open_connection(server.addresses()[0].ip().expect("it has one"), StreamLimits::default())
            .await?;
    let mut conversation = Vec::new();
    for piece in ["Ann\r\nRo", "me\r\nyes\r\n"] {
        conversation.push(format!("< {}", text(&reader.readline().await?)));
        conversation.push(format!("> {}", piece.escape_default()));
        writer.write(piece.as_bytes())?;
    }
    let mut lines = reader.lines();
    while let Some(line) = lines.next().await? {
        conversation.push(format!("< {}", text(&line)));
    }
    Ok(conversation)
}
