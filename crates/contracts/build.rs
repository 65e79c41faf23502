//! Generates the message types from `proto/` without a system `protoc`, and a list of all messages for the test that
//! holds `docs/messages.md` against them.

use std::{env, fmt::Write as _, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = "../../proto";
    println!("cargo:rerun-if-changed={root}");
    let descriptors = protox::compile(["descant/v1/envelope.proto"], [root])?;

    let mut vocabulary = String::from("&[\n");
    for file in descriptors.file.iter().filter(|file| file.package() == "descant.v1") {
        for message in &file.message_type {
            let fields: Vec<_> = message.field.iter().map(|field| field.name()).collect();
            writeln!(vocabulary, "    ({:?}, &{fields:?}),", message.name())?;
        }
    }
    vocabulary.push_str("]\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("vocabulary.rs"), vocabulary)?;

    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}
