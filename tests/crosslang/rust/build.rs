//! Generates the stubs from the descriptor set of the checkout, the table of calls, and what there is of which version.

use std::env;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use heck::ToSnakeCase;
use prost::Message;
use prost_types::FileDescriptorSet;

const DESCRIPTORS: &str = "../../../docs/api/sessionstore.binpb";
const LOCK: &str = "Cargo.lock";
const PACKAGE: &str = "sessionstore.v1";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={DESCRIPTORS}");
    println!("cargo:rerun-if-changed={LOCK}");
    println!("cargo:rerun-if-changed=build.rs");
    let set = FileDescriptorSet::decode(&*fs::read(DESCRIPTORS)?)?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("call_table.rs"), call_table(&set)?)?;
    let mut config = prost_build::Config::new();
    // The names lead from a generated type to its descriptor, which the JSON is read and written by.
    config.enable_type_names();
    let stubs = tonic_prost_build::configure().build_server(false).include_file("stubs.rs");
    stubs.compile_fds_with_config(set, config)?;
    print_versions()
}

/// A `match` from the name of a call to the method of the generated client, because Rust cannot look one up by its name.
fn call_table(set: &FileDescriptorSet) -> Result<String, Box<dyn Error>> {
    let mut table = String::from("match name {\n");
    for service in set.file.iter().filter(|file| file.package() == PACKAGE).flat_map(|file| &file.service) {
        let client = service.name().trim_end_matches("Service").to_snake_case();
        for method in service.method.iter().filter(|method| !method.client_streaming()) {
            let kind = if method.server_streaming() { "streaming" } else { "unary" };
            let (name, function) = (method.name(), method.name().to_snake_case());
            writeln!(
                table,
                "    {name:?} => {kind}(caller, draft, async |request| caller.{client}().{function}(request).await).await,"
            )?;
        }
    }
    table += "    _ => Err(anyhow!(\"no call {name}\")),\n}\n";
    Ok(table)
}

fn print_versions() -> Result<(), Box<dyn Error>> {
    let told = String::from_utf8(Command::new(env::var("RUSTC")?).arg("--version").output()?.stdout)?;
    let compiler = told.split(' ').nth(1).ok_or("rustc does not tell its version")?;
    println!("cargo:rustc-env=RUST_VERSION={compiler}");
    let lock = fs::read_to_string(LOCK)?;
    for name in ["tonic", "prost"] {
        let entry = format!("name = \"{name}\"\nversion = \"");
        let rest = lock.split_once(&entry).ok_or_else(|| format!("{LOCK} has no {name}"))?.1;
        let version = rest.split('"').next().unwrap_or_default();
        println!("cargo:rustc-env={}_VERSION={version}", name.to_uppercase());
    }
    Ok(())
}
