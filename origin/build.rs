//! What is written in `proto/` becomes Rust, without protoc: protox reads it, prost and tonic write.

use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files: Vec<_> = fs::read_dir(root.join("streamgate/v1"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_, std::io::Error>>()?;
    files.sort();
    let set = protox::compile(&files, [&root])?;
    let out = env::var("OUT_DIR")?;
    let descriptors = Path::new(&out).join("streamgate.v1.bin");
    tonic_prost_build::configure()
        .build_client(false)
        .build_transport(false)
        // Answers are read out of those of REST, whose names are the same; what is not there is empty.
        .message_attribute(".", "#[derive(serde::Deserialize)] #[serde(default)]")
        .enum_attribute(".", "#[derive(serde::Deserialize)]")
        .file_descriptor_set_path(&descriptors)
        .compile_fds(set.clone())?;
    use prost::Message;
    fs::write(descriptors, set.encode_to_vec())?;
    Ok(())
}
