//! Generates the stubs from the descriptor set of the checkout, so that no protoc is needed.
use prost::Message;

const DESCRIPTORS: &str = "../../docs/api/sessionstore.binpb";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed={DESCRIPTORS}");
    let set = prost_types::FileDescriptorSet::decode(&*std::fs::read(DESCRIPTORS)?)?;
    tonic_prost_build::configure().build_server(false).include_file("stubs.rs").compile_fds(set)?;
    Ok(())
}
