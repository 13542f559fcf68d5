//! The runner of the conformance kit in Rust; see ../../README.md.

mod bench;
mod calls;
mod channels;
mod config;
mod control;
mod corpus;
mod failures;
mod json;
mod patterns;
mod player;
mod raw;
mod step;
mod tails;
mod values;
mod writes;

/// What tonic and prost generate from the descriptor set, as modules by package.
#[allow(dead_code, clippy::all)]
mod stubs {
    include!(concat!(env!("OUT_DIR"), "/stubs.rs"));
}

use std::env;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::Value;

use config::{Config, read_json};
use player::{Player, Verdict};

// Several threads, so that open tails go on while this one waits for a control.
#[tokio::main]
async fn main() -> ExitCode {
    match command(&env::args().skip(1).collect::<Vec<_>>()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}

/// Does what is asked for; answers whether all went well.
async fn command(arguments: &[String]) -> Result<bool> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["run", config, ref files @ ..] => return run(read_json(config)?, files).await,
        ["write-corpus", config, path] => corpus::write(&read_json(config)?, path).await?,
        ["read-corpus", config, session] => corpus::read(&read_json(config)?, session).await?,
        ["bench", config] => println!("{}", bench::measure(&read_json(config)?).await?),
        ["versions"] => println!("{}", serde_json::to_string(&VERSIONS)?),
        _ => bail!("usage: runner run|write-corpus|read-corpus|bench|versions …; see tests/crosslang/README.md"),
    }
    Ok(true)
}

/// Plays the files, and answers whether no step failed.
async fn run(config: Config, files: &[&str]) -> Result<bool> {
    let mut player = Player::new(config);
    let mut good = true;
    for file in files {
        let stem = Path::new(file).file_stem().context("a scenario without a name")?.to_string_lossy();
        for written in read_json::<Vec<Value>>(file)? {
            let name = format!("{stem}/{}", written["name"].as_str().unwrap_or_default());
            match player.play(written).await {
                Verdict::Good => println!("ok {name}"),
                Verdict::Skipped(why) => println!("skip {name}: {}", one_line(&why)),
                Verdict::Wrong(why) => {
                    good = false;
                    println!("FAIL {name}: {}", one_line(&why));
                }
            }
        }
    }
    Ok(good)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The language and its libraries, in the order in which they are shown.
#[derive(Serialize)]
struct Versions {
    language: &'static str,
    grpc: &'static str,
    protobuf: &'static str,
}

const VERSIONS: Versions = Versions {
    language: concat!("Rust ", env!("RUST_VERSION")),
    grpc: concat!("tonic ", env!("TONIC_VERSION")),
    protobuf: concat!("prost ", env!("PROST_VERSION")),
};
