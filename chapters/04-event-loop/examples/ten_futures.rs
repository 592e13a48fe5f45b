//! Ten futures, which callbacks set; the sixth is awaited: `cargo run -p chapter-04 --example
//! ten_futures`.

use anyhow::Context;
use chapter_04::{FutureCell, run, running_loop};
use std::process::ExitCode;

fn main() -> ExitCode {
    chapter_01::exit_code("ten_futures", start())
}

fn start() -> anyhow::Result<()> {
    println!("{}", run(square_of_five())??);
    Ok(())
}

async fn square_of_five() -> anyhow::Result<u32> {
    let event_loop = running_loop()?;
    let futures: Vec<FutureCell<u32>> = (0..10).map(|_| event_loop.create_future()).collect();
    for (number, future) in (0..).zip(&futures) {
        let future = future.clone();
        event_loop.call_soon(move || {
            future.set_result(number * number).expect("nobody else sets it");
        })?;
    }
    // None of them is set yet: the callbacks run while this task waits.
    futures[5].clone().await.ok().context("it was not set")
}
