//! Generates the gRPC code from `proto/` without a protoc on the machine.

use std::path::PathBuf;
use std::{env, error, fs};

use prost::Message as _;

const PROTOS: [&str; 5] = [
    "casetracker/v1/case_command_service.proto",
    "casetracker/v1/case_query_service.proto",
    "casetracker/v1/audit_service.proto",
    "casetracker/event/v1/event.proto",
    "casetracker/feed/v1/case_event_feed_service.proto",
];

fn main() -> Result<(), Box<dyn error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let descriptors = protox::compile(PROTOS, [&root])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // Reflection serves the descriptors; the telemetry layer learns the known methods from them.
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().codec_path("crate::codec::SmallBuffers").compile_fds(descriptors)?;
    Ok(())
}
