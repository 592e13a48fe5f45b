//! The server on transports: `cargo run -p chapter-05`, then `nc 127.0.0.1 8000`.

use chapter_01::{Log, Options, exit_code};
use chapter_03::SelectorKind;
use chapter_04::run_with;
use chapter_05::{Echo, serve_socket};
use socket2::Socket;
use std::process::ExitCode;

const USAGE: &str = "\
x";

fn main() -> ExitCode {
    exit_code("chapter-05", start())
}

fn start() -> anyhow::Result<()> {
    let options = Options::parse(USAGE, &["selector"])?;
    let kind = options.value("selector").map_or(Ok(SelectorKind::default()), str::parse)?;
    let (listener, log) = (options.open_listener()?, options.log);
    run_with(kind, serve(listener, log))?
}

async fn serve(listener: Socket, log: Log) -> anyhow::Result<()> {
    let server = serve_socket(move || Echo::new(log), listener).await?;
    Ok(server.serve_forever().await?)
}
